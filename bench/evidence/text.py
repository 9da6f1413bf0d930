"""Text embeddings, computed once for each model and list of texts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.evidence.cost import make_cost
from bench.evidence.model_cache import load_encoder, load_sentence_encoder
from bench.evidence.store import CHUNK, Store
from bench.parts.optional_protocols import GivesEmbeddings
from bench.timing import Timer
from leaderboards.hashing import words_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.evidence.store import Entry
    from bench.parts.protocols import Encoder, SentenceEncoder

EXTRACTOR_VERSION = 1
"""Increase when embeddings of equal models and texts change."""

_MAX_LISTS = 16
"""Lists whose embeddings stay in memory."""


@dataclass(frozen=True)
class TextEvidence:
    """Embeddings of a concept set.

    Attributes:
        embeddings: float32 [C, D], not normalised, on the CPU.
        cost: What they cost when they were made (see `make_cost`).
        cached: Whether they came from the store.
        cut: Labels that are too long for the text tower (see `check_labels`); None where that is
            not known, as for older entries of the store.
    """

    embeddings: Tensor
    cost: Mapping[str, Any]
    cached: bool
    cut: Mapping[str, Any] | None = None


def text_embeddings(
    encoder: Encoder, words: Sequence[str], *, store: Store, timer: Timer, device: str = "cpu"
) -> TextEvidence:
    """Embed a concept set, or read its embeddings from the store.

    Args:
        encoder: The image-text model; loaded only where the store lacks the list.
        words: The C labels.
        store: The evidence cache.
        timer: Gets the phase "text".
        device: Where the model runs.
    """
    import torch

    # The fingerprint includes the image transform, which changes no text: recomputing is cheap.
    key = _key("text_embeddings", encoder, words)
    with timer.phase("text", items=len(words)) as phase, store.hold(key) as [entry]:
        phase.cached = entry.complete
        if isinstance(encoder, GivesEmbeddings):
            phase.note = "text embeddings given as arrays"
        if not entry.complete:
            loaded = load_encoder(encoder, device)
            table = loaded.encode_texts(words).float().cpu().numpy()
            cut = loaded.find_cut(words)
            meta = {"cut": {"tokens": cut[0], "labels": cut[1]}} if cut else {}
            _write(entry, table, make_cost(timer.so_far(), device, complete=True), meta)
        embeddings = torch.from_numpy(entry.read())
    assert entry.cost is not None
    return TextEvidence(embeddings, entry.cost, phase.cached, entry.meta.get("cut"))


def count_missing_texts(
    encoder: Encoder | SentenceEncoder, texts: Sequence[str], *, store: Store, sentences: bool
) -> dict[str, int]:
    """Count the texts of a list that are still to be embedded, by the key of their entry.

    Args:
        encoder: The model.
        texts: The list.
        store: The evidence cache.
        sentences: Whether the model is a sentence encoder.
    """
    kind = "sentence_embeddings" if sentences else "text_embeddings"
    entry = store.entry(_key(kind, encoder, texts))
    return {entry.key: 0 if entry.complete else len(texts)}


class CachedEmbedder:
    """A sentence encoder that embeds each list of texts once; loaded when first needed.

    Embeddings are cached by list, not by text: the other texts of a batch change the last bits of
    an embedding, and equal requests must give equal bytes, in any order of requests.

    Args:
        encoder: The sentence encoder.
        store: Where embeddings of long lists are cached.
        device: Where the model runs.
        disk_from: Number of texts from which a list goes to the store; shorter lists stay in
            memory.
    """

    def __init__(
        self, encoder: SentenceEncoder, store: Store, device: str = "cpu", disk_from: int = 16
    ) -> None:
        self.encoder = encoder
        self._store = store
        self._device = device
        self._disk_from = disk_from
        self._recent: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            texts: n texts, at least one.

        Returns:
            Unit-length embeddings, float32 [n, D], read-only.
        """
        texts = list(texts)
        name = words_sha256(texts)
        if name not in self._recent:
            long = len(texts) >= self._disk_from
            table = self._read_or_embed(texts) if long else self._embed(texts)
            table.flags.writeable = False  # later calls return the same array
            self._recent[name] = table
            while len(self._recent) > _MAX_LISTS:
                self._recent.popitem(last=False)
        self._recent.move_to_end(name)
        return self._recent[name]

    def _read_or_embed(self, texts: list[str]) -> NDArray[np.float32]:
        with self._store.hold(_key("sentence_embeddings", self.encoder, texts)) as [entry]:
            if not entry.complete:
                timer = Timer(self._device)
                with timer.phase("text", items=len(texts)):
                    table = self._embed(texts)
                    cost = make_cost(timer.so_far(), self._device, complete=True)
                _write(entry, table, cost)
            return entry.read()

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        return np.array(load_sentence_encoder(self.encoder, self._device)(texts), dtype=np.float32)


def _write(
    entry: Entry,
    table: NDArray[np.float32],
    cost: Mapping[str, Any],
    meta: Mapping[str, Any] | None = None,
) -> None:
    for number in entry.missing:
        entry.put(number, table[number * CHUNK : (number + 1) * CHUNK])
    entry.finish({"dim": table.shape[1], **(meta or {})}, cost)


def _key(kind: str, encoder: Encoder | SentenceEncoder, texts: Sequence[str]) -> dict[str, Any]:
    fingerprint = dict(encoder.fingerprint())
    return {
        "kind": kind,
        "encoder": fingerprint,
        "texts": words_sha256(texts),
        "n": len(texts),
        "precision": fingerprint.get("precision", "float32"),
        "extractor": EXTRACTOR_VERSION,
    }
