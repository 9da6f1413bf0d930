"""Training of the embedded world's networks; needs torch. Its one entry is in ``run``."""
