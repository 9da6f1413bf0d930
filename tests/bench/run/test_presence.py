"""Which images show a concept, and what labels predict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from baselines.spatial import ImageMasks, MaskLabel
from bench.errors import UserError
from bench.parts.probes.glyphs import GlyphsProbe
from bench.parts.superclasses import Superclasses
from bench.run.presence import (
    concept_presence,
    formula_presence,
    has_operators,
    known_columns,
    label_presence,
    leaf_texts,
    superclass_presence,
)
from metrics.faithfulness_scores import NO_LABEL, UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("red-c", "umbrella", "red", "night_sky-s")
LABELS = tuple(MaskLabel(name, "any") for name in NAMES)


class Masks:
    labels = LABELS

    def __len__(self) -> int:
        return 3

    def image(self, index: int) -> ImageMasks:
        plane = np.full((2, 2), -1, dtype=np.int32)
        if index == 1:
            plane[0, 0] = 1  # one pixel is enough
        if index == 2:
            plane[:] = 2
        return ImageMasks(plane[None], (3,) if index == 0 else ())


@dataclass(frozen=True)
class Images:
    """Three images: at night; an umbrella; red."""

    summary = "images"

    def __len__(self) -> int:
        return 3

    def fingerprint(self):
        return {}

    def image(self, index: int):
        raise AssertionError("no image is needed")


class Segmented(Images):
    def masks(self, cache: Path) -> Masks:
        return Masks()

    def masks_fingerprint(self):
        return {}

    def mask_labels(self):
        return LABELS


class Labelled(Segmented):
    def class_names(self):
        return ("umbrella", "anchor")

    def image_classes(self):
        return [0, 1, -1]


def test_masks_and_classes(tmp_path: Path) -> None:
    names, presence = concept_presence(Segmented(), tmp_path)
    assert names == ["red", "umbrella", "night sky"]  # two labels are red
    assert presence.T.tolist() == [[False, False, True], [False, True, False], [True, False, False]]
    names, presence = concept_presence(Labelled(), tmp_path)
    assert names == ["red", "umbrella", "night sky", "anchor"]
    assert presence.T[[1, 3]].tolist() == [[True, True, False], [False, True, False]]


def test_images_without_either_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither masks nor classes"):
        concept_presence(Images(), tmp_path)


def test_glyphs_show_one_scene_each(tmp_path: Path) -> None:
    names, presence = concept_presence(GlyphsProbe(size=6, offset=9), tmp_path)
    from bench.glyphs import vocabulary, world

    scenes = [names.index(entry.name) for entry in vocabulary.SCENES]
    shown = [world.render(9 + index, "val").scene_id for index in range(6)]
    assert presence[:, scenes].argmax(axis=1).tolist() == shown
    assert (presence[:, scenes].sum(axis=1) == 1).all()


A, B, C = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=bool)
KNOWN = {"a": A, "b b": B, "c": C}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a", A),
        ("(a AND b b)", A & B),
        ("((a OR b b) AND (NOT c))", (A | B) & ~C),
        ("NOT NOT a", A),
        ("a OR b b AND c", (A | B) & C),
        ("(a AND unknown)", None),
        ("(a AND", None),
        ("a)", None),
        ("a AND AND c", None),
        ("(a OR (b b)", None),
        ("", None),
    ],
)
def test_formulas(formula: str, expected) -> None:
    found = formula_presence(formula, KNOWN.get)
    if expected is None:
        assert found is None
    else:
        assert found.tolist() == expected.tolist()


def test_labels_are_found_by_name_inflection_and_formula() -> None:
    presence = np.column_stack([A, B, C])
    names = ["umbrella", "night sky", "red"]
    labels = [
        "Umbrellas",
        "",
        "night_sky",
        "(umbrella AND red-c)",
        "dog",
        "umbrella",
        "(dog OR red)",
    ]
    columns, found = label_presence(labels, presence, known_columns(labels, names, presence))
    assert columns[[1, 4, 6]].tolist() == [NO_LABEL, UNKNOWN, UNKNOWN]
    assert found[:, :3].tolist() == presence.tolist()
    for at, expected in {0: A, 2: B, 3: A & C, 5: A}.items():
        assert columns[at] >= 3
        assert found[:, columns[at]].tolist() == expected.tolist()


def test_probabilities_combine_by_least_and_greatest() -> None:
    a, b = np.array([0.9, 0.2]), np.array([0.6, 0.7])
    found = formula_presence("((a AND b) OR (NOT a))", {"a": a, "b": b}.get)
    assert found == pytest.approx([0.6, 0.8])


def test_leaves_of_labels() -> None:
    labels = ["(red-c AND (NOT sea))", "crane (bird)", ""]
    assert leaf_texts(labels) == ["(red-c AND (NOT sea))", "bird", "crane", "crane (bird)", "red",
                                  "sea"]  # fmt: skip
    assert [has_operators(label) for label in labels] == [True, False, False]


def test_a_superclass_is_present_where_a_label_below_it_is() -> None:
    """Labels of the run's images, in another order than the concepts that are known of others."""
    labels = [MaskLabel(name, "object") for name in ("cat", "moon", "dog", "sun")]
    above = [MaskLabel(name, "object") for name in ("pet-s", "light", "mammal")]
    superclasses = Superclasses(tuple(above), ((0, 2), (1, 3), (0, 1)))
    shown = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], bool)
    found = superclass_presence(superclasses, labels, ["dog", "tree", "cat"], shown)
    assert {name: column.tolist() for name, column in found.items()} == {
        "pet": [True, False, True, False],
        "mammal": [False, False, True, False],  # nothing is known of the moon
    }
