"""Labels that a text tower cuts or cannot tell apart are named."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import open_clip
import pytest
import torch

from bench.evidence import Store, text_embeddings
from bench.evidence.label_checks import check_labels, equal_rows
from bench.evidence.model_cache import load_encoder
from bench.parts.encoders import GlyphsEncoder
from bench.parts.encoders.tokens import find_cut
from bench.parts.protocols import LoadedEncoder
from bench.timing import Timer


def test_equal_rows_are_those_that_differ_by_rounding_alone():
    draw = np.random.default_rng(1)
    table = draw.standard_normal((300, 8))
    table[[7, 30]] = 3 * table[5]  # of another length
    table[299] = table[100] * (1 + 1e-7)
    table[200] = table[201] + 1e-3
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    pairs = {
        (a, b) for a, b in combinations(range(300), 2) if np.linalg.norm(unit[a] - unit[b]) < 1e-5
    }
    groups = equal_rows(table.astype(np.float32))
    assert groups == [[5, 7, 30], [100, 299]]
    assert {pair for group in groups for pair in combinations(group, 2)} == pairs
    assert equal_rows(np.zeros((2, 3))) == [[0, 1]]
    assert equal_rows(np.eye(4)) == []


def test_what_is_said_names_the_labels():
    labels = [f"{'very ' * 40}{end}" for end in ("red", "blue")] + ["fox", "Fox", "sea"]
    table = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]], np.float32)
    cut, alike = check_labels(labels, table, {"tokens": 77, "labels": [0, 1]})
    assert cut.startswith("2 candidate labels are cut at the 77 tokens")
    assert "very red" in cut
    assert alike.startswith("4 candidate labels embed equally, so that the first in the file wins")
    assert "'fox' = 'Fox'" in alike
    assert check_labels(labels[2:3], table[:1], {"tokens": 77, "labels": []}) == ()
    assert check_labels(labels[:1], table[:1], None) == ()


@pytest.mark.parametrize("context", [8, 77])
def test_clips_own_tokenizer(context):
    tokenize = open_clip.SimpleTokenizer(context_length=context)
    texts = [" ".join(["fox"] * n) for n in (1, context - 3, context - 2, context - 1)]
    # Without a cut the last text that is read whole ends in the end mark, behind all its words.
    assert find_cut(tokenize, texts) == (context, [3])
    rows = tokenize(texts)
    assert rows[2, -1] == rows[3, -1] == rows[0, 2]
    assert find_cut(tokenize, ["x"]) == (context, [])
    assert find_cut(lambda texts: texts, texts) is None


def test_a_hugging_face_tokenizer_of_another_length():
    loaded = load_encoder(GlyphsEncoder(), "cpu")
    texts = [" ".join(["fox"] * n) for n in (62, 63)] + ["a red fox"]
    assert loaded.find_cut(texts) == (64, [1])
    a, b, c = loaded.encode_texts([texts[1], texts[1] + " in the snow", texts[2]])
    assert torch.allclose(a, b, atol=1e-6)
    assert not torch.allclose(a, c, atol=1e-6)


LOADS = []


@dataclass(frozen=True)
class CuttingEncoder:
    """Reads three letters of a text."""

    summary: ClassVar[str] = "test"

    def fingerprint(self):
        return {"weights": "cut", "text_tower": "cut"}

    def load(self, device):
        LOADS.append(device)

        def texts(words):
            return torch.tensor([[float(ord(letter)) for letter in word[:3]] for word in words])

        def cut(words):
            return 3, [n for n, word in enumerate(words) if len(word) > 3]

        return LoadedEncoder(lambda image: image, lambda images: images, texts, cut)


def test_what_was_cut_is_known_from_the_cache_too(tmp_path):
    words = ["fox", "foxglove", "owl"]
    told = []
    for _ in range(2):
        found = text_embeddings(CuttingEncoder(), words, store=Store(tmp_path), timer=Timer())
        told.append(check_labels(words, found.embeddings.numpy(), found.cut))
    assert len(LOADS) == 1
    assert found.cached
    assert told[0] == told[1]
    assert told[0] == (
        "1 candidate label is cut at the 3 tokens that the text tower reads: 'foxglove'",
        "2 candidate labels embed equally, so that the first in the file wins: 'fox' = 'foxglove'",
    )
