"""Reranking, against the sum written out."""

from __future__ import annotations

import math

import pytest
import torch

from baselines.captions import Candidate
from baselines.clip_rerank import rerank, similarities

NAN = float("nan")


def cos(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.hypot(*a) * math.hypot(*b))


def test_it_is_the_weighted_sum_of_cosines():
    texts = torch.tensor([[1.0, 0.0], [1.0, 2.0], [0.0, 3.0]])
    masked = torch.tensor([[2.0, 1.0], [NAN, NAN], [0.0, 5.0]])
    unmasked = torch.tensor([[1.0, 1.0], [4.0, 3.0], [-1.0, 2.0]])
    for mix in (0.0, 0.3, 1.0):
        found = similarities(texts, masked, unmasked, mix)
        for text, score in zip(texts.tolist(), found.tolist(), strict=True):
            only = sum(cos(text, row) for row in masked.tolist() if row[0] == row[0])
            whole = sum(cos(text, row) for row in unmasked.tolist())
            assert score == pytest.approx((1 - mix) * only + mix * whole, abs=1e-6)


def test_lengths_of_embeddings_and_order_of_exemplars_say_nothing():
    generator = torch.Generator().manual_seed(0)
    texts, masked, unmasked = (torch.randn(n, 7, generator=generator) for n in (5, 4, 4))
    found = similarities(texts, masked, unmasked, 0.5)
    order = [2, 0, 3, 1]
    again = similarities(texts * 3, masked[order] * 10, unmasked[order] * 0.1, 0.5)
    torch.testing.assert_close(found, again, atol=1e-6, rtol=0)


def test_an_embedding_of_no_length_fits_nothing():
    zero = torch.zeros(1, 3)
    assert similarities(zero, torch.ones(2, 3), torch.ones(2, 3), 0.5).tolist() == [0.0]
    assert similarities(torch.ones(1, 3), zero, zero, 0.5).tolist() == [0.0]


def test_mix_outside_its_range():
    with pytest.raises(ValueError, match="mix"):
        similarities(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 2), 1.5)


def test_sentences_are_embedded_once_and_put_in_order():
    one, two, three = (Candidate(text, -1.0, -2.0, 0.0) for text in ("x", "y", "also x"))
    asked = []

    def embed(texts):
        asked.append(list(texts))
        table = {"x": [1.0, 0.0], "also x": [1.0, 0.0], "y": [0.0, 1.0]}
        return torch.tensor([table[text] for text in texts])

    east, north = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    masked = torch.cat([east, north, east])
    found = rerank([[two, one, three], [one, two], []], masked, masked, embed, 0.5)
    assert [[c.text for c in unit] for unit in found] == [["x", "also x", "y"], ["y", "x"], []]
    assert [c.score for c in found[0]] == pytest.approx([1, 1, 0])
    assert (found[0][0].log_p, found[0][0].log_prior) == (-1.0, -2.0)
    assert asked == [["y", "x", "also x"]]


def test_masked_and_whole_images_may_disagree():
    x, y = Candidate("x", 0, 0, 0), Candidate("y", 0, 0, 0)
    masked, unmasked = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])

    def embed(texts):
        return torch.eye(2)[["xy".index(text) for text in texts]]

    first = [
        rerank([[x, y]], masked, unmasked, embed, mix)[0][0].text for mix in (0.0, 0.4, 0.6, 1.0)
    ]
    assert first == ["x", "x", "y", "y"]


def test_no_sentences_at_all():
    nothing = torch.zeros(2, 1, 3)
    assert rerank([[], []], nothing, nothing, lambda texts: torch.zeros(0, 3)) == [[], []]
