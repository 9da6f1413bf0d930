"""Units of networks that people have described: what a MILAN decoder is trained on."""

from bench.milan.annotated import AnnotatedUnits, ArrayUnits, split_by_unit, unit_keys
from bench.milan.milannotations import read_milannotations

__all__ = ["AnnotatedUnits", "ArrayUnits", "read_milannotations", "split_by_unit", "unit_keys"]
