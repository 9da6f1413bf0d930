"""Concept sets: the candidate labels."""

from bench.concepts.file import FileConcepts
from bench.concepts.glyphs import GlyphsConcepts
from bench.concepts.paper import PaperConcepts
from bench.concepts.wordfreq_list import WordfreqConcepts

__all__ = ["FileConcepts", "GlyphsConcepts", "PaperConcepts", "WordfreqConcepts"]
