"""Concept sets: the candidate labels."""

from bench.parts.concepts.broden import BrodenConcepts
from bench.parts.concepts.classes import ClassConcepts
from bench.parts.concepts.combined import CombinedConcepts
from bench.parts.concepts.file import FileConcepts
from bench.parts.concepts.glyphs import GlyphsConcepts
from bench.parts.concepts.paper import PaperConcepts
from bench.parts.concepts.sample import SampledConcepts
from bench.parts.concepts.wordfreq_list import WordfreqConcepts
