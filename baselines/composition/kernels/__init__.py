"""Compiled inner loops of the formula search, for CPUs; plain NumPy is the reference of each.

Import a module only where its loops are run: each brings Numba with it, which is slow to import.
"""
