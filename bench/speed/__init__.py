"""Benchmarks of speed and memory against plain loops written from the papers' formulas."""
