"""Evidence: what is measured once on a probe set and shared by all methods."""

from bench.evidence.exemplars import gather_exemplars, has_exemplars
from bench.evidence.gather import count_missing_images, gather, gather_share
from bench.evidence.probe_evidence import ProbeEvidence
from bench.evidence.request import EvidenceRequest
from bench.evidence.segments import SegmentedMasks, segment, segment_share
from bench.evidence.store import Entry, Store
from bench.evidence.stored_exemplars import StoredExemplars, exemplar_keys, open_exemplars
from bench.evidence.text import (
    CachedEmbedder,
    TextEvidence,
    count_missing_texts,
    text_embeddings,
)

__all__ = [
    "CachedEmbedder",
    "Entry",
    "EvidenceRequest",
    "ProbeEvidence",
    "SegmentedMasks",
    "Store",
    "StoredExemplars",
    "TextEvidence",
    "count_missing_images",
    "count_missing_texts",
    "exemplar_keys",
    "gather",
    "gather_exemplars",
    "gather_share",
    "has_exemplars",
    "open_exemplars",
    "segment",
    "segment_share",
    "text_embeddings",
]
