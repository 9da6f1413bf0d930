"""Class names as concepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.parts.concepts import ClassConcepts
from bench.parts.protocols import ConceptSet
from bench.parts.truths import ImageNetTruth, Places365Truth
from bench.parts.truths.shipped import IMAGENET

PUBLISHED = Path(__file__).resolve().parents[5] / "shared" / "published" / "labels"


def test_imagenet_as_its_truth_has_it():
    concepts = ClassConcepts("imagenet")
    truth = ImageNetTruth().names()
    assert isinstance(concepts, ConceptSet)
    assert concepts.words() == tuple(truth[unit].name for unit in range(1000))
    assert concepts.words()[0] == "tench, Tinca tinca"
    assert concepts.notes() == ()


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs ../shared/published")
def test_imagenet_is_the_papers_list_line_by_line():
    lines = (PUBLISHED / "imagenet_labels.txt").read_text(encoding="utf-8").split("\n")
    assert IMAGENET.read_text(encoding="utf-8").splitlines() == lines
    assert ClassConcepts("imagenet").words() == tuple(lines)


def test_first_names_that_classes_share_are_told():
    concepts = ClassConcepts("imagenet", first_name=True)
    words = concepts.words()
    assert len(words) == len(set(words)) == 998
    assert words[0] == "tench"
    assert {"crane", "maillot", "cardigan", "Cardigan"} <= set(words)
    assert concepts.notes() == ("dropped 2 classes with an earlier one's name: crane, maillot",)


def test_places365_as_its_truth_has_it():
    concepts = ClassConcepts("places365")
    truth = Places365Truth().names()
    assert concepts.words() == tuple(truth[unit].name for unit in range(365))
    assert "bus station/indoor" in concepts.words()
    assert ClassConcepts("places365", first_name=True).words() == concepts.words()
