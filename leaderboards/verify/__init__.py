"""Recompute the numbers of records from their labels, and compare."""
