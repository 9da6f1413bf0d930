"""Sentence encoders: how close a label is to the true name."""

from bench.sentences.none import NoSentenceEncoder
from bench.sentences.transformer import SentenceTransformer

__all__ = ["NoSentenceEncoder", "SentenceTransformer"]
