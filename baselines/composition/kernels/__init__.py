"""Compiled inner loops of the formula search, for CPUs; the tests compare each with plain NumPy.

Import a module only where its loops run: each imports Numba, which is slow to import.
"""
