"""MILAN's decoders: annotated units, training, and their worth on units that they never saw."""
