"""Concept sets: the candidate labels."""

from bench.concepts.broden import BrodenConcepts
from bench.concepts.classes import ClassConcepts
from bench.concepts.combined import CombinedConcepts
from bench.concepts.file import FileConcepts
from bench.concepts.glyphs import GlyphsConcepts
from bench.concepts.paper import PaperConcepts
from bench.concepts.wordfreq_list import WordfreqConcepts

__all__ = [
    "BrodenConcepts",
    "ClassConcepts",
    "CombinedConcepts",
    "FileConcepts",
    "GlyphsConcepts",
    "PaperConcepts",
    "WordfreqConcepts",
]
