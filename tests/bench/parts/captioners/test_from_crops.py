"""Sentences of a unit from crops of its exemplars, by a model whose probabilities are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.captions import Search
from bench.parts.captioners.from_crops import CropCaptioner, tidy
from tests.baselines.exemplars_made import make_exemplars

EXEMPLARS = make_exemplars(units=3, k=4, size=24)


class Toy:
    """A model of three sentences whose probabilities are those of METHODS' tiny check."""

    def see(self, images):
        return torch.zeros(len(images), 1, 1, 1), torch.full(
            (len(images), 1, 1), float(images.std() == 0)
        )

    def search(self, pixels, n):
        return [(1,), (2,), (3,)][:n] * len(pixels)

    def sample(self, pixels, n, seed):
        return [(3,)] * n

    def log_p(self, seen, sentences):
        blank = bool(seen[1][0] > 0)
        table = {(1,): (-2, -1), (2,): (-2.3, -4), (3,): (-3, -9)}
        return np.array([[table[s][blank] for s in sentences]] * len(seen[0]), dtype=float)

    def text(self, words):
        return f"sentence {words[0]}"


@pytest.mark.parametrize(("weight", "best", "score"), [(0.0, 1, -2.0), (0.2, 3, -1.2)])
def test_pmi_by_hand(weight, best, score):
    captioner = CropCaptioner(Toy(), image_size=24, background="mean", has_prior=True, sources=1)
    (found,) = captioner.describe(EXEMPLARS, [0], Search("rerank", 3, weight), seed=0)
    assert found[0].text == f"Sentence {best}"
    assert found[0].score == pytest.approx(score)
    # The likeliest `beam` sentences alone are put in order.
    (found,) = captioner.describe(EXEMPLARS, [0], Search("rerank", 2, weight), seed=0)
    assert len(found) == 2
    assert "Sentence 3" not in [one.text for one in found]
    # Beams go by likelihood alone, and one sentence is drawn three times.
    (found,) = captioner.describe(EXEMPLARS, [0], Search("beam", 3, weight), seed=0)
    assert [one.text[-1] for one in found] == ["1", "2", "3"]
    (found,) = captioner.describe(EXEMPLARS, [0], Search("sample", 3, weight), seed=0)
    assert [(one.text, one.score) for one in found] == [("Sentence 3", -3 + weight * 9)]


def test_sentences_are_shown_tidily():
    assert tidy(" a dog , on  water . ") == "A dog, on water."
    assert tidy("blue - green t - shirt") == "Blue-green t-shirt"
    assert tidy("  ") == ""
