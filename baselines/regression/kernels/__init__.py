"""Compiled loops of the elastic net."""
