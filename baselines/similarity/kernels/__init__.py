"""Compiled inner loops of the similarity functions; torch is the reference of each.

Loops for CPUs use Numba, loops for GPUs Triton. Import a module only where its loops run: both are
slow to import, and Triton is not always available (see `gpu`).
"""
