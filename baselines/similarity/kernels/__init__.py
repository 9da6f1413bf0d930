"""Compiled inner loops of the similarity functions; torch is the reference of each.

Loops for CPUs use Numba, loops for GPUs Triton. Import a module only where its loops run: both are
slow to import, and Triton is not always available (see `gpu`). Modules for CPUs have a `warm_up()`
that compiles their loops ahead of a measurement; loops for GPUs are compiled at the first run.
"""
