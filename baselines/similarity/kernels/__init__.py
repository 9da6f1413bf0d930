"""Compiled inner loops of the similarity functions; torch is the reference of each.

Those for CPUs are in Numba, those for GPUs in Triton. Import a module only where its loops are
run: both are slow to import, and Triton is not everywhere (see `gpu`). The former have a
`warm_up()` that compiles their loops ahead of a measurement, the latter compile when first run.
"""
