"""FALCON on planted units, captions and embeddings."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from baselines.base import Evidence, Method
from baselines.falcon import Falcon
from bench.errors import UserError
from bench.parts.catalog import METHODS

CAPTIONS = (
    "a striped cat on grass", "a plain cat on grass", "a striped shirt", "grass", "a red bus",
)  # fmt: skip


def planted(units=4):
    """Each image shows one caption; unit u responds to images of caption u, unit 3 is dead."""
    shown = torch.arange(120) % 5
    images = torch.eye(5)[shown]
    # Captions 0 and 1 are alike, as are images of them to the other units.
    images[:, 1] += 0.9 * (shown == 0)
    images[:, 0] += 0.9 * (shown == 1)
    activations = torch.zeros(120, units)
    activations[:, 0] = (shown == 0) * 3.0 + (shown == 1) * 0.1
    activations[:, 1] = (shown <= 1) * 1.0
    activations[:, 2] = (shown == 4) * 2.0
    return Evidence(
        activations=activations,
        concepts=CAPTIONS,
        image_embeddings=7 * images,
        concept_embeddings=2 * torch.eye(5),
    )


def test_words_of_the_images_without_those_of_look_alikes():
    labels = Falcon(least=10).describe(planted(), seed=0)
    words = {
        unit: [word for word, score in own if score > 0.01] for unit, own in enumerate(labels.texts)
    }
    # Images of the plain cat resemble those of unit 0 and do not activate it.
    assert words[0] == ["striped cat", "striped"]
    assert words[2] == ["red bus", "bus", "red"]
    assert words[3] == []
    assert labels.counts == {"silent_units": 0, "units_below_threshold": 3}
    table = labels.tables["words"]
    cat = table[(table.unit == 0) & (table.word == "cat")].iloc[0]
    assert cat.high > 0.9
    assert cat.low > 0.9
    assert labels.tables["contrasts"].columns.tolist() == [
        "unit", "high", "above_threshold", "low", "mean_cosine",
    ]  # fmt: skip
    assert labels.tables["contrasts"].mean_cosine.tolist() == pytest.approx([1, 1, 1], abs=0.2)


def test_scores_do_not_increase_within_a_rank_of_equal_digits(monkeypatch):
    captions = [("a red bus", 0.14285667), ("grass", 0.14285712)]
    monkeypatch.setattr(Falcon, "_caption", lambda self, images, *_: [captions] * len(images))
    labels = Falcon(contrast=1.0).describe(planted(), seed=0)
    words, scores = zip(*labels.texts[0], strict=True)
    assert words[0] == "red bus"
    assert list(scores) == sorted(scores, reverse=True)


def test_contrast_and_number_of_words():
    labels = Falcon(contrast=1.0, words=3, longest=1).describe(planted(), seed=0)
    words = [word for word, _ in labels.texts[0]]
    assert len(words) == 3
    assert {"cat", "striped"} <= set(words)
    for wrong in ({"captions": 0}, {"least": 0}, {"contrast": 0.0}, {"words": 0}, {"longest": 0}):
        with pytest.raises(UserError, match="must be"):
            METHODS.build("falcon", wrong)


def test_units_that_are_not_finite_are_dead_and_move_no_other():
    given = planted()
    given.activations[3, 3] = torch.inf
    expected = Falcon().describe(planted(), seed=0)
    found = Falcon().describe(given, seed=0)
    assert found.texts == expected.texts
    for name, table in expected.tables.items():
        pd.testing.assert_frame_equal(found.tables[name], table)


def test_a_layer_without_live_units_and_parameters():
    given = planted()
    given.activations[:] = 1
    labels = Falcon().describe(given, seed=0)
    assert labels.texts == [[]] * 4
    assert labels.counts == {"silent_units": 0, "units_below_threshold": 0}
    method = Falcon()
    assert isinstance(method, Method)
    assert hash(method) == hash(Falcon())
