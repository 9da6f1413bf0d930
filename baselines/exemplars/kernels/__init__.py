"""The compiled loop of masks, for CPUs; it imports Numba, which is slow to import."""
