"""Compiled inner loops of dissection, for CPUs; torch is the reference of each.

Import a module only where its loops run: each imports Numba, which is slow to import.
"""
