"""Interrupt, crowd and starve sweeps on purpose: `python -m tests.chaos`."""
