"""ClipDissect: its parameters, notes and counts."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import torch

from baselines import similarity
from baselines.base import Evidence, Method
from baselines.clip_dissect import SIMILARITIES, ClipDissect
from baselines.similarity_parameters import PARAMETERS


@pytest.fixture
def evidence():
    generator = torch.Generator().manual_seed(0)
    activations = torch.rand(60, 5, generator=generator)
    activations[:, 2] = 0
    return Evidence(
        activations=activations,
        concepts=tuple("abcdefg"),
        image_embeddings=torch.randn(60, 8, generator=generator),
        concept_embeddings=torch.randn(7, 8, generator=generator),
    )


def test_it_is_a_method():
    method = ClipDissect()
    assert isinstance(method, Method)
    assert method.needs == {"activations", "image_embeddings", "concept_embeddings"}
    assert (method.given, method.vocabulary, method.version) == (
        "captions (through its image-text encoder)",
        "concept set",
        1,
    )
    assert hash(method) == hash(ClipDissect(similarity="soft_wpmi"))


def test_importing_it_imports_no_torch():
    code = (
        "import sys, baselines.clip_dissect as m; m.ClipDissect(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_the_table_of_parameters_is_that_of_the_functions(name):
    signature = inspect.signature(getattr(similarity, name))
    defaults = {
        key: parameter.default
        for key, parameter in signature.parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and key not in ("marginal", "seed")
    }
    assert defaults == PARAMETERS[name]
    assert ClipDissect(similarity=name).arguments == PARAMETERS[name]


@pytest.mark.parametrize("name", SIMILARITIES)
def test_describe_is_the_function(name, evidence):
    labelling = ClipDissect(similarity=name).describe(evidence, seed=0)
    function = getattr(similarity, name)
    expected = function(evidence.embedded_scores(), evidence.activations)
    torch.testing.assert_close(labelling.scores, expected, rtol=0, atol=0, equal_nan=True)
    matrix = function(evidence.concept_scores(), evidence.activations)
    torch.testing.assert_close(labelling.scores, matrix, rtol=1e-5, atol=1e-5, equal_nan=True)
    assert labelling.concepts == evidence.concepts
    undefined = int((expected[[0, 1, 3, 4]] == -torch.inf).sum())
    assert labelling.counts == {"undefined_scores": undefined}
    assert (undefined > 0) == (name == "rank_reorder")


@pytest.mark.parametrize("name", SIMILARITIES)
def test_a_device_is_warmed_up_with_two_calls_of_the_function(name, monkeypatch):
    called = []
    function = getattr(similarity, name)
    monkeypatch.setattr(
        similarity, name, lambda *given, **options: called.append(function(*given, **options))
    )
    ClipDissect(similarity=name).warm_up("cpu")
    assert [scores.shape for scores in called] == [(40, 48), (40, 49)]
    assert all(torch.isfinite(scores).any() for scores in called)


def test_the_record_has_the_defaults_of_the_chosen_function():
    assert ClipDissect().parameters == ClipDissect(top_k=100, lam=1.0).parameters
    assert ClipDissect(similarity="wpmi").parameters == {
        "similarity": "wpmi",
        "top_k": 28,
        "a": 2.0,
        "lam": 0.6,
        "min_prob": 1e-7,
    }


def test_parameters_reach_the_function(evidence):
    method = ClipDissect(similarity="soft_wpmi", top_k=5, a=3.0, lam=0.5)
    expected = similarity.soft_wpmi(
        evidence.concept_scores(), evidence.activations, top_k=5, a=3.0, lam=0.5
    )
    found = method.describe(evidence, seed=0)
    torch.testing.assert_close(found.scores, expected, rtol=0, atol=0, equal_nan=True)
    assert found.notes == ()


def test_the_seed_reaches_the_official_baseline(evidence):
    method = ClipDissect(similarity="rank_reorder", baseline="official", top_fraction=0.5)
    first, same, other = (method.describe(evidence, seed=seed).scores for seed in (1, 1, 2))
    torch.testing.assert_close(first, same, rtol=0, atol=0, equal_nan=True)
    assert not torch.allclose(first, other, equal_nan=True)


def test_notes_on_clamping(evidence):
    note = "top_k clamped from 100 to 60: the probe set has 60 images"
    assert ClipDissect().describe(evidence, seed=0).notes == (note,)
    assert ClipDissect(top_k=60).describe(evidence, seed=0).notes == ()
    notes = (
        ClipDissect(similarity="rank_reorder", top_fraction=0.01).describe(evidence, seed=0).notes
    )
    assert notes[0] == "top images clamped from 0 to 1: top_fraction 0.01 of 60 images"
    assert "no score" in notes[1]


def test_note_on_a_single_live_unit(evidence):
    alone = Evidence(
        activations=evidence.activations[:, 1:3],
        concepts=evidence.concepts,
        image_embeddings=evidence.image_embeddings,
        concept_embeddings=evidence.concept_embeddings,
    )
    labelling = ClipDissect(top_k=10).describe(alone, seed=0)
    assert "own marginal" in labelling.notes[0]
    assert (labelling.scores[0] == 0).all()


def test_unknown_similarity_names_the_nearest():
    with pytest.raises(ValueError, match=r"did you mean 'soft_wpmi'.*one of: soft_wpmi, wpmi"):
        ClipDissect(similarity="softwpmi")
    with pytest.raises(ValueError, match="unknown similarity 'zzz': choose one of: "):
        ClipDissect(similarity="zzz")


def test_foreign_parameters_are_refused():
    with pytest.raises(
        ValueError, match="wpmi has no parameter p_start; valid: top_k, a, lam, min_"
    ):
        ClipDissect(similarity="wpmi", p_start=0.9)
    with pytest.raises(ValueError, match="cos_similarity has no parameter a, top_k; valid: none"):
        ClipDissect(similarity="cos_similarity", top_k=3, a=1.0)


@pytest.mark.parametrize("parameters", [{"top_k": 0}, {"p_end": 2.0}, {"top_k": "many"}])
def test_values_are_checked_before_any_evidence(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        ClipDissect(**parameters)
