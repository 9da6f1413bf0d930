"""Compiled inner loops of dissection, for CPUs; torch is the reference of each.

Import a module only where its loops are run: each brings Numba with it, which is slow to import.
"""
