"""Sentence encoders: text models that judge the similarity of a label and a true name."""

from bench.parts.sentences.none import NoSentenceEncoder
from bench.parts.sentences.transformer import SentenceTransformer
