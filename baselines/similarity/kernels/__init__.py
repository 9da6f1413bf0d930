"""Compiled inner loops of the similarity functions, for CPUs; torch is the reference of each."""
