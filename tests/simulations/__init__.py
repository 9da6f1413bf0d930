"""Simulations of the statistics: what their error rates, power and coverage are."""
