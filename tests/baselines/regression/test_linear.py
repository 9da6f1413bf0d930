"""Linear Explanations as methods."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dissectbench
from baselines.base import Evidence
from baselines.calibration import Calibration
from baselines.errors import MethodError
from baselines.linear import LinearExplanations, LinearLabelExplanations
from baselines.spatial import ImageMasks, MaskLabel
from bench.parts.superclasses import Superclasses, SuperclassMasks

WORDS = ("dog", "cat", "car", "sun")
SHOWN = np.random.default_rng(0).random((300, 4)) < [0.4, 0.3, 0.5, 0.2]
ACTIVATIONS = torch.from_numpy(SHOWN @ [[2, 0, 0], [1, 3, 0], [0, -2, 0], [0, 0, -1]]).float()


class Masks:
    """Labels of whole images."""

    mask_size = (1, 1)
    categories = ("object",)
    labels = tuple(MaskLabel(word, "object") for word in WORDS)

    def __len__(self):
        return len(SHOWN)

    def image(self, index):
        scalars = tuple(int(at) for at in np.flatnonzero(SHOWN[index]))
        return ImageMasks(np.empty((0, 1, 1), np.int32), scalars)


def embedded(**changes):
    """Return evidence whose cosines are high for the words that an image shows."""
    images = torch.from_numpy(np.column_stack([SHOWN, np.ones(300)])).float()
    parts = {
        "activations": ACTIVATIONS,
        "concepts": WORDS,
        "image_embeddings": 3 * images,
        "concept_embeddings": torch.eye(4, 5),
        "calibration": Calibration(58, -0.25),
    }
    return Evidence(**(parts | changes))


def labelled(**changes):
    parts = {"activations": ACTIVATIONS, "concepts": (), "masks": Masks()}
    return Evidence(**(parts | changes))


BOTH = [
    pytest.param(LinearExplanations(), embedded, id="linear"),
    pytest.param(LinearLabelExplanations(), labelled, id="linear_labels"),
]


def ranked(scores):
    """Return the words of each unit, best first."""
    order = scores.argsort(dim=1, descending=True).tolist()
    return [
        [WORDS[at] for at in row if torch.isfinite(own[at])]
        for row, own in zip(order, scores, strict=True)
    ]


@pytest.mark.parametrize(("method", "evidence"), BOTH)
def test_labels_are_the_concepts_of_positive_weight(method, evidence):
    found = method.describe(evidence(), seed=0)
    assert found.concepts == WORDS
    assert ranked(found.scores) == [["dog", "cat"], ["cat"], []]
    assert found.tables["word_sets"].words.tolist() == [2, 1, 0]
    table = found.tables["linear_explanations"]
    own = table[table.unit == 1]
    assert own.concept.tolist() == ["cat", "car"]
    assert (own.share > 0).tolist() == (own.weight > 0).tolist() == [True, False]
    assert found.scores[1, 1].item() == pytest.approx(own.share.iloc[0])
    assert (own.validation_correlation > 0.99).all()
    assert (own.test_correlation > 0.99).all()
    assert table[table.unit == 2].concept.tolist() == ["sun"]


def test_weights_of_labels_are_those_of_the_unit():
    found = LinearLabelExplanations().describe(labelled(), seed=0)
    own = found.tables["linear_explanations"].set_index(["unit", "concept"])
    assert own.loc[(0, "dog"), "weight"] == pytest.approx(2)
    assert own.loc[(0, "cat"), "weight"] == pytest.approx(1)
    assert own.loc[(1, "car"), "weight"] == pytest.approx(-2)
    assert own.loc[(0, "dog"), "bias"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("method", "evidence"), BOTH)
def test_dead_units_have_no_label(method, evidence):
    dead = torch.full((300, 1), 2.0)
    undefined = ACTIVATIONS[:, :1].clone()
    undefined[7] = torch.nan
    activations = torch.cat([ACTIVATIONS, dead, undefined], dim=1)
    found = method.describe(evidence(activations=activations), seed=0)
    assert found.scores[3:].isnan().all()
    assert torch.equal(found.scores[:3], method.describe(evidence(), seed=0).scores)
    assert set(found.tables["linear_explanations"].unit) == {0, 1, 2}
    assert found.tables["word_sets"].words.tolist() == [2, 1, 0, 0, 0]


@pytest.mark.parametrize(("method", "evidence"), BOTH)
def test_the_record_says_how_images_were_split_and_what_was_left_out(method, evidence):
    found = method.describe(evidence(), seed=0)
    assert found.notes[0] == "images: 210 of training, 30 of validation, 60 of test"
    assert found.counts == {"left_out_concepts": 0, "silent_units": 0}


def test_the_calibration_is_the_encoder_s_unless_given():
    own = LinearExplanations().describe(embedded(), seed=0)
    assert own.notes[1] == "sigmoid of cosines: scale 58, bias -0.25 (the encoder's own)"
    given = LinearExplanations(scale=20, bias=-0.5).describe(embedded(), seed=0)
    assert given.notes[1] == "sigmoid of cosines: scale 20, bias -0.5 (given)"
    same = LinearExplanations(scale=58, bias=-0.25).describe(embedded(calibration=None), seed=0)
    assert torch.equal(same.scores, own.scores)
    with pytest.raises(MethodError, match="no calibration is known") as caught:
        LinearExplanations().describe(embedded(calibration=None), seed=0)
    assert "set method.params.scale and method.params.bias" in caught.value.hint


def test_a_calibration_that_no_concept_reaches_leaves_all_out():
    found = LinearExplanations(scale=58, bias=-2).describe(embedded(), seed=0)
    assert found.counts == {"left_out_concepts": 4, "silent_units": 3}
    assert torch.isneginf(found.scores).all()
    assert found.tables["linear_explanations"].empty
    [told] = found.warnings
    assert "no unit has a label: of none of the 4 concepts" in told
    assert "set method.params.scale and method.params.bias" in told
    assert LinearExplanations().describe(embedded(), seed=0).warnings == ()


def test_equal_seeds_give_equal_labels_and_each_seed_its_split():
    noisy = ACTIVATIONS + torch.randn(300, 3, generator=torch.Generator().manual_seed(0))
    first, again, other = (
        LinearLabelExplanations().describe(labelled(activations=noisy), seed=seed).scores
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scale": 58.0}, "scale and bias must be given together"),
        ({"scale": 0.0, "bias": 0.0}, "scale must be a number above 0"),
        ({"scale": 1.0, "bias": float("nan")}, "bias must be a finite number"),
        ({"penalty": 0.0}, "penalty must be a number above 0"),
        ({"l1_ratio": 1.0}, "l1_ratio must be in"),
        ({"max_concepts": 0}, "max_concepts must be an integer of at least 1"),
        ({"least_gain": -0.1}, "least_gain must be a number of at least 0"),
    ],
)
def test_refused_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        LinearExplanations(**parameters)
    if "scale" not in parameters:
        with pytest.raises(ValueError, match=message):
            LinearLabelExplanations(**parameters)


def test_refused_evidence():
    LinearExplanations().check_images(20)
    with pytest.raises(MethodError, match="19 images are too few"):
        LinearExplanations().describe(embedded(image_embeddings=torch.ones(19, 5)), seed=0)
    with pytest.raises(MethodError, match="19 images are too few"):
        LinearLabelExplanations().check_images(19)
    with pytest.raises(ValueError, match="masks are missing"):
        LinearLabelExplanations().describe(labelled(masks=None), seed=0)
    with pytest.raises(ValueError, match="300 images have masks, 4 activations"):
        LinearLabelExplanations().describe(labelled(activations=ACTIVATIONS[:4]), seed=0)


def test_arrays_are_enough():
    evidence = embedded()
    arrays = {
        "activations": evidence.activations,
        "image_embeddings": evidence.image_embeddings,
        "concept_embeddings": evidence.concept_embeddings,
        "concepts": WORDS,
    }
    table = dissectbench.describe("linear", **arrays, scale=58.0, bias=-0.25)
    assert table[table["rank"] == 1].label.tolist() == ["dog", "cat"]


def test_superclasses_of_labels():
    """A unit that responds to all animals has one concept in place of two."""
    superclasses = Superclasses((MaskLabel("animal", "object"),), ((0, 1),))
    unit = torch.from_numpy(SHOWN[:, :1] | SHOWN[:, 1:2]).float()
    evidence = labelled(activations=unit, masks=SuperclassMasks(Masks(), superclasses))
    method = LinearLabelExplanations(superclasses="wordnet")
    found = method.describe(evidence, seed=0)
    assert found.concepts == (*WORDS, "animal")
    assert found.tables["linear_explanations"]["concept"].tolist() == ["animal"]
    assert method.parameters["superclasses"] == "wordnet"
    assert "superclasses" not in LinearLabelExplanations().parameters
    assert LinearLabelExplanations(superclasses="a/b.txt").parameters["superclasses"] == "b.txt"
    with pytest.raises(ValueError, match='must be "none", "wordnet" or a file'):
        LinearLabelExplanations(superclasses="")
