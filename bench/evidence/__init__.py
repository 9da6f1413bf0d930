"""Evidence: what is measured once on a probe set and shared by all methods."""

from bench.evidence.exemplars import exemplars_held, gather_exemplars
from bench.evidence.gather import gather, gather_share, images_left
from bench.evidence.gathered import GatheredEvidence
from bench.evidence.joined import JoinedEvidence
from bench.evidence.segments import SegmentedMasks, segment, segment_share
from bench.evidence.store import Entry, Store
from bench.evidence.stored_exemplars import StoredExemplars, exemplar_keys, open_exemplars
from bench.evidence.text import CachedEmbedder, TextEvidence, text_embeddings, texts_left
from bench.networks.execution import How

Gathered = GatheredEvidence | JoinedEvidence
"""Evidence on a probe set, or on a union of several."""

__all__ = [
    "CachedEmbedder",
    "Entry",
    "Gathered",
    "GatheredEvidence",
    "How",
    "SegmentedMasks",
    "Store",
    "StoredExemplars",
    "TextEvidence",
    "exemplar_keys",
    "exemplars_held",
    "gather",
    "gather_exemplars",
    "gather_share",
    "images_left",
    "open_exemplars",
    "segment",
    "segment_share",
    "text_embeddings",
    "texts_left",
]
