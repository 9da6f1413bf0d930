from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from bench.evidence import CachedEmbedder, Store, model_cache, text_embeddings
from bench.evidence import store as store_module
from bench.evidence import text as text_module
from bench.parts.protocols import LoadedEncoder
from bench.timing import Timer

COUNTS = {"encoder": 0, "texts": 0}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    for name in COUNTS:
        COUNTS[name] = 0
    model_cache._models.clear()
    for module in (store_module, text_module):
        monkeypatch.setattr(module, "CHUNK", 8)


@dataclass(frozen=True)
class TinyEncoder:
    summary: ClassVar[str] = "test"

    def fingerprint(self):
        return {"weights": "e", "text_tower": "e"}

    def load(self, device):
        COUNTS["encoder"] += 1

        def texts(words):
            COUNTS["texts"] += len(words)
            return torch.tensor([[float(len(word)), 1.0] for word in words])

        return LoadedEncoder(lambda image: image, lambda images: images, texts)


def test_a_concept_set_is_embedded_once(tmp_path):
    words = ["a", "bb", "ccc"] * 7
    first = text_embeddings(TinyEncoder(), words, store=Store(tmp_path), timer=Timer())
    timer = Timer()
    again = text_embeddings(TinyEncoder(), words, store=Store(tmp_path), timer=timer)
    assert COUNTS["texts"] == 21
    assert again.cached
    assert timer.records()[0]["cached"]
    assert torch.equal(first.embeddings, again.embeddings)
    assert again.embeddings[:3, 0].tolist() == [1, 2, 3]
    text_embeddings(TinyEncoder(), words[::-1], store=Store(tmp_path), timer=Timer())
    assert COUNTS["texts"] == 42
    assert COUNTS["encoder"] == 1


@dataclass(frozen=True)
class TinySentences:
    summary: ClassVar[str] = "test"

    def fingerprint(self):
        return {"weights": "s", "text_tower": "s"}

    def load(self, device):
        COUNTS["encoder"] += 1

        def embed(texts):
            COUNTS["texts"] += len(texts)
            return np.array([[1.0, len(text)] for text in texts], dtype=np.float32)

        return embed


def test_long_lists_are_kept_on_disk_and_short_ones_in_memory(tmp_path):
    embed = CachedEmbedder(TinySentences(), Store(tmp_path))
    assert COUNTS["encoder"] == 0
    long = ["x" * n for n in range(20)]
    assert embed(long).shape == (20, 2)
    assert embed(["a"]).shape == (1, 2)
    embed(long)
    embed(["a"])
    assert COUNTS["texts"] == 21
    model_cache._models.clear()
    other = CachedEmbedder(TinySentences(), Store(tmp_path))
    assert np.array_equal(other(long), embed(long))
    assert COUNTS["encoder"] == 1
    with pytest.raises(ValueError):
        other(long)[0, 0] = 5
