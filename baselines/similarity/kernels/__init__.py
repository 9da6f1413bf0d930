"""Compiled inner loops of the similarity functions, for CPUs; torch is the reference of each.

Import a module only where its loops are run: each brings Numba with it, which is slow to import,
and has a `warm_up()` that compiles its loops ahead of a measurement.
"""
