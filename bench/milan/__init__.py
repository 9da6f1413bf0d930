"""MILAN's decoders: units that people have described, training, and what a decoder is worth."""

from bench.milan.annotated import AnnotatedUnits, ArrayUnits, split_by_unit, unit_keys
from bench.milan.milannotations import read_milannotations

__all__ = ["AnnotatedUnits", "ArrayUnits", "read_milannotations", "split_by_unit", "unit_keys"]
