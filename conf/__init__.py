"""Hydra configuration groups (YAML); a package only so that wheels carry it."""
