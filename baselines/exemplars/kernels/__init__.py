"""The compiled loop of masks, for CPUs. It brings Numba with it, which is slow to import."""
