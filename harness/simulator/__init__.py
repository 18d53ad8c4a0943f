"""Stand-ins for Ascend's tools, as strict as they are: atc, npu-smi, ais_bench, aclruntime."""
