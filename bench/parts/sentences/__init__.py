"""Sentence encoders: how close a label is to the true name."""

from bench.parts.sentences.none import NoSentenceEncoder
from bench.parts.sentences.transformer import SentenceTransformer

__all__ = ["NoSentenceEncoder", "SentenceTransformer"]
