"""Plain loops, written from the papers, that the benchmarks compare with."""
