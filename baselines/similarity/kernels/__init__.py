"""Compiled loops for the CPU, on NumPy arrays; import a module only where its loops are run.

Each module brings Numba with it, which is slow to import, and has a `warm_up()` that compiles its
loops ahead of a measurement.
"""
