"""The embedded world's names and lexical tables."""

from __future__ import annotations

import numpy as np
import pytest
import wordfreq

from bench.glyphs.scenes import PAINTERS
from bench.glyphs.vocabulary import (
    COLOURS,
    DATA,
    HALF_OBJECTS,
    OBJECTS,
    SCENES,
    TEXTURES,
    all_concepts,
)


def test_sizes() -> None:
    """Sizes."""
    assert len(OBJECTS) >= 72
    assert len(SCENES) >= 20
    assert len(COLOURS) == 11
    assert [entry.name for entry in TEXTURES] == [
        "plain", "striped", "dotted", "checkered", "zigzagged",
    ]  # fmt: skip
    assert 8 <= sum(not entry.named_in_captions for entry in OBJECTS) <= 10
    assert len(PAINTERS) == len(SCENES)


def test_names_are_clean_and_unique() -> None:
    """Names are clean and unique."""
    concepts = all_concepts()
    assert len(concepts) == len(OBJECTS) + len(SCENES) + len(COLOURS) + len(TEXTURES)
    for name in concepts:
        assert name == name.strip().lower()
        assert "_" not in name


@pytest.mark.parametrize("group", [OBJECTS, SCENES, COLOURS, TEXTURES])
def test_lexical_tables_do_not_overlap(group: tuple[object, ...]) -> None:
    """Lexical tables do not overlap."""
    names = {entry.name for entry in group}  # type: ignore[attr-defined]
    for entry in group:
        synonyms, hypernyms = set(entry.synonyms), set(entry.hypernyms)  # type: ignore[attr-defined]
        assert hypernyms
        assert not synonyms & hypernyms, entry
        assert entry.name not in synonyms | hypernyms  # type: ignore[attr-defined]
        others = names - {entry.name}  # type: ignore[attr-defined]
        assert not synonyms & others, f"{entry}: a synonym is another concept's name"


def test_many_names_are_not_common_english_words() -> None:
    """Many names are not common english words."""
    common = set(wordfreq.top_n_list("en", 20_000))
    assert sum(entry.name not in common for entry in OBJECTS) >= 20


def test_half_mixes_named_and_unnamed() -> None:
    """Half mixes named and unnamed."""
    shown = {OBJECTS[i].named_in_captions for i in HALF_OBJECTS}
    hidden = {entry.named_in_captions for i, entry in enumerate(OBJECTS) if i not in HALF_OBJECTS}
    assert shown == hidden == {True, False}
    assert abs(2 * len(HALF_OBJECTS) - len(OBJECTS)) <= 2


def test_unnamed_objects_have_paraphrases() -> None:
    """Unnamed objects have paraphrases."""
    for entry in OBJECTS:
        assert bool(entry.paraphrases) != entry.named_in_captions
        assert len(entry.paraphrases) in (0, 5)


def test_outlines_match_the_objects() -> None:
    """Outlines match the objects."""
    with np.load(DATA / "outlines.npz") as file:
        assert file["codepoints"].tolist() == [entry.codepoint for entry in OBJECTS]
        assert file["ink"].shape == file["silhouette"].shape == (len(OBJECTS), 112, 112)
        assert (file["silhouette"] <= file["ink"]).all()
