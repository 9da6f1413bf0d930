"""Train and evaluate MILAN's decoders on units described by people."""

from bench.milan.annotated import AnnotatedUnits, split_by_unit
from bench.milan.milannotations import read_milannotations

__all__ = ["AnnotatedUnits", "read_milannotations", "split_by_unit"]
