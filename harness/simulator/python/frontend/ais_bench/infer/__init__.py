"""The command line and the Python interface of ais_bench, as strict as the genuine ones (ASCEND.md, a to c)."""
