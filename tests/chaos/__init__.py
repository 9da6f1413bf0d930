"""Interrupt, crowd and starve sweeps on purpose: `make chaos`."""
