"""Compiled inner loops of the formula search, for CPUs; plain NumPy is the reference of each.

Import a module only where its loops run: each imports Numba, which is slow to import.
"""
