"""A stand-in for Ascend's ais_bench 0.0.2, for machines without an NPU; see ``ais_bench.infer``."""
