"""SemanticLens, CSP, direction naming and WWW as methods."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

import dissectbench
from baselines.base import Evidence
from baselines.csp import ContrastiveProjection
from baselines.direction import Direction
from baselines.errors import MethodError
from baselines.semantic_lens import SemanticLens
from baselines.www import WordSets
from tests.baselines.alignment.golden import ACTIVATIONS, IMAGES, TEXTS

METHODS = [SemanticLens(), ContrastiveProjection(), Direction(), Direction(by="ridge"), WordSets()]
BLANK = torch.tensor([0.1, 0.1, 0.1])


def evidence(**changes):
    parts = {
        "activations": ACTIVATIONS,
        "concepts": ("a", "b", "c"),
        "image_embeddings": 3 * IMAGES,  # of any length
        "concept_embeddings": 2 * TEXTS,
        "blank_embedding": BLANK,
    }
    return Evidence(**(parts | changes))


def best(labelling):
    return [labelling.concepts[at] for at in labelling.scores.argmax(dim=1)]


@pytest.mark.parametrize("method", METHODS[:3] + METHODS[4:])
def test_units_get_the_labels_of_their_images(method):
    if method.needs >= {"blank_embedding"}:
        method = type(method)(top_k=2)
    assert best(method.describe(evidence(), seed=0)) == ["a", "b"]


def test_ridge_names_a_unit_against_its_top_images():
    """As documented: the other unit, of opposite activations, explains this one's images."""
    assert best(Direction(by="ridge").describe(evidence(), seed=0)) == ["b", "b"]


@pytest.mark.parametrize("method", METHODS)
def test_dead_units_have_no_label(method):
    activations = torch.cat([ACTIVATIONS, torch.full((6, 1), 0.5)], dim=1)
    activations = torch.cat([activations, activations[:, :1]], dim=1)
    activations[2, 3] = torch.nan
    found = method.describe(evidence(activations=activations), seed=0).scores
    assert found.dtype == torch.float32
    assert found[2:].isnan().all()
    assert torch.equal(found[:2], method.describe(evidence(), seed=0).scores)


def test_scores_do_not_depend_on_the_seed_and_statistics_are_a_table():
    first, second = (SemanticLens(top_k=2).describe(evidence(), seed=seed) for seed in (0, 1))
    assert torch.equal(first.scores, second.scores)
    table = first.tables["unit_statistics"]
    assert table.unit.tolist() == [0, 1]
    assert table.clarity.tolist() == pytest.approx([0.965219, 0.983095], abs=1e-5)
    assert (table.random_clarity < table.clarity).all()
    assert first.counts == {"undefined_scores": 0}


def test_the_template_is_subtracted_from_labels():
    method = SemanticLens(top_k=2)
    expected = normalize(2 * TEXTS - BLANK, dim=1)
    plain = SemanticLens(top_k=2, subtract="none").describe(evidence(), seed=0).scores
    found = method.describe(evidence(), seed=0).scores
    assert (found - plain).abs().max() > 1e-3
    as_given = evidence(concept_embeddings=expected)
    other = SemanticLens(top_k=2, subtract="none").describe(as_given, seed=0).scores
    assert torch.allclose(found, other, atol=1e-6)


def test_centred_vectors_have_the_golden_values():
    found = SemanticLens(top_k=2, subtract="mean").describe(evidence(), seed=0).scores
    expected = torch.tensor([[0.998522, -0.532766, -0.463465], [-0.7452, 0.974781, -0.297481]])
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        (SemanticLens(), "subtract=mean"),
        (ContrastiveProjection(subtract="template"), "subtract=none"),
        (WordSets(), "adaptive=false"),
    ],
)
def test_a_missing_template_says_what_to_set(method, setting):
    with pytest.raises(MethodError) as caught:
        method.describe(evidence(blank_embedding=None), seed=0)
    assert caught.value.hint == f"set method.params.{setting}"
    name, value = setting.split("=")
    other = type(method)(**{name: False if value == "false" else value})
    other.describe(evidence(blank_embedding=None), seed=0)


def test_words_outside_a_unit_s_set_have_no_score():
    found = WordSets(top_k=2, alpha=30, adaptive=False).describe(evidence(), seed=0)
    assert found.scores.isfinite().tolist() == [[True, False, True], [False, True, True]]
    table = found.tables["word_sets"]
    assert table.words.tolist() == [2, 2]
    every = WordSets(top_k=2, alpha=0, adaptive=False).describe(evidence(), seed=0)
    assert every.tables["word_sets"].words.tolist() == [3, 3]
    inside = found.scores.isfinite()
    assert torch.equal(found.scores[inside], every.scores[inside])


def test_clamped_images_are_noted():
    for method in (SemanticLens(), ContrastiveProjection(), WordSets()):
        [note] = method.describe(evidence(), seed=0).notes
        assert f"top_k clamped from {method.top_k} to 6" in note


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SemanticLens(top_k=0), "top_k must be an integer of at least 1"),
        (lambda: SemanticLens(subtract="all"), "subtract must be one of none, template, mean"),
        (lambda: ContrastiveProjection(contrast=-1), "contrast must be a number of at least 0"),
        (lambda: ContrastiveProjection(subtract="mean"), "subtract must be one of none, template"),
        (lambda: Direction(by="pca"), "by must be one of covariance, ridge"),
        (lambda: Direction(ridge=0), "ridge must be a number above 0"),
        (lambda: WordSets(alpha=101), "alpha must be a percentage"),
    ],
)
def test_refused_parameters(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_missing_embeddings_are_named():
    with pytest.raises(ValueError, match="embeddings are missing"):
        Direction().describe(evidence(image_embeddings=None), seed=0)


@pytest.mark.parametrize("given", [{"subtract": "mean"}, {"blank_embedding": BLANK.numpy()}])
def test_arrays_are_enough(given):
    table = dissectbench.describe(
        "semantic_lens",
        activations=ACTIVATIONS,
        image_embeddings=IMAGES,
        concept_embeddings=TEXTS,
        concepts=["a", "b", "c"],
        top_k=2,
        **given,
    )
    assert table[table["rank"] == 1].label.tolist() == ["a", "b"]


def test_a_blank_embedding_of_another_width_is_refused():
    with pytest.raises(dissectbench.UserError, match="blank_embedding has 2"):
        dissectbench.describe(
            "www",
            activations=ACTIVATIONS,
            image_embeddings=IMAGES,
            concept_embeddings=TEXTS,
            concepts=["a", "b", "c"],
            blank_embedding=BLANK[:2],
        )
