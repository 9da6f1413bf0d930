"""Which comma-joined parts of a published class name are right answers for the class."""

from __future__ import annotations

import numpy as np
import pytest

from bench.parts.truths import ClassListTruth, FileTruth, GlyphsTruth, ImageNetTruth, Places365Truth
from bench.parts.truths.class_names import add_lookalikes, true_names
from bench.run.identity import describe_truth
from metrics.labels import LabelRules, matches, true_concepts
from metrics.lexical import lexical_credits, lexical_match

MENDED, OFFICIAL = LabelRules(), LabelRules(official=True)


@pytest.mark.parametrize(
    ("published", "own"),
    [
        # WordNet's synonyms of one class.
        (["tench, Tinca tinca", "hen"], [("tench", "Tinca tinca"), ("hen",)]),
        # A part that is another class's first name, whether that has more names or not.
        (["projectile, missile", "missile"], [("projectile",), ("missile",)]),
        (["bath, tub", "Tub, vat"], [("bath",), ("Tub", "vat")]),
        # A part that tells two classes of one name apart; what follows it is a name again.
        (["bass, fish, Micropterus", "bass, instrument"], [("bass", "Micropterus"), ("bass",)]),
        # One of the two is that name alone: it is the other's no more.
        (["maillot", "maillot, tank suit"], [("maillot",), ("tank suit",)]),
        (["mouse", "mouse, computer"], [("mouse",), ("mouse, computer",)]),
        (["Cardigan, Welsh corgi", "cardigan"], [("Welsh corgi",), ("cardigan",)]),
        # Two units of one class, and a synonym that two classes share.
        (["tench, Tinca tinca"] * 2, [("tench", "Tinca tinca")] * 2),
        (["puma, panther", "jaguar, panther"], [("puma", "panther"), ("jaguar", "panther")]),
        # Nothing is left but the published name.
        (["a, b", "a", "b"], [("a, b",), ("a",), ("b",)]),
    ],
)
def test_a_class_has_its_own_names(published, own):
    names = true_names(dict(enumerate(published)))
    assert [names[unit].synonyms for unit in range(len(own))] == own
    assert [names[unit].name for unit in range(len(own))] == published


def right(label, truth, rules=MENDED):
    return matches(label, truth, rules), lexical_match(label, truth) == 1


@pytest.mark.parametrize(
    ("unit", "wrong", "own"),
    [
        (134, "bird", "crane"),
        (517, "machine", "crane"),
        (744, "missile", "projectile"),
        (82, "partridge", "ruffed grouse"),
        (264, "cardigan", "Cardigan Welsh corgi"),
        (593, "harp", "mouth harp"),
        (639, "maillot", "tank suit"),
        (123, "crayfishes", "spiny lobsters"),
    ],
)
def test_imagenet(unit, wrong, own):
    truth = ImageNetTruth().names()[unit]
    assert right(wrong, truth) == (False, False)
    assert lexical_match(own, truth) == 1
    assert right(truth.name, truth) == (True, True)
    # The published code compares with the whole published name and with nothing else.
    assert matches(truth.name, truth, OFFICIAL)
    assert not matches(own, truth, OFFICIAL)


def test_no_class_of_imagenet_goes_by_another_ones_name():
    """But for "crane", which is the first name of two classes."""
    names = ImageNetTruth().names()
    truths = list(names.values())
    firsts = [truth.name.split(",")[0] for truth in truths]
    by_words = [found[earned == 1] for found, earned in lexical_credits(truths, firsts)]
    taken = [
        (truth.name, firsts[other])
        for unit, (truth, *found) in enumerate(
            zip(truths, true_concepts(truths, firsts, MENDED), by_words, strict=True)
        )
        for other in np.unique(np.concatenate(found))
        if other != unit and firsts[other] != truth.name
    ]
    pairs = [("crane, bird", "crane"), ("crane, machine", "crane")]
    # The first names of these two are another class's whole name, which that class keeps.
    kept = [("cardigan", "Cardigan")]
    assert [pair for pair in taken if pair not in kept] == pairs


def test_another_class_is_no_inflection():
    names = ImageNetTruth().names()
    assert lexical_match("sunglasses", names[836]) == 0
    assert lexical_match("sunglasses", names[837]) == 1
    assert lexical_match("missiles", names[657]) == 1
    pair = add_lookalikes(true_names({0: "glass", 1: "glasses", 2: "cup"}))
    assert [pair[unit].lookalikes for unit in range(3)] == [("glasses",), ("glass",), ()]


def test_lists_and_tables_follow_one_rule(tmp_path):
    classes, table = tmp_path / "classes.txt", tmp_path / "names.csv"
    classes.write_text("crane, bird\ncrane, machine\n")
    table.write_text('unit,name,synonyms\n0,"crane, bird",\n1,"crane, machine",derrick; bird\n')
    listed, tabled = ClassListTruth(str(classes)).names(), FileTruth(str(table)).names()
    assert listed[0] == tabled[0]
    assert listed[0].synonyms == ("crane",)
    # What the table itself calls a synonym is one.
    assert tabled[1].synonyms == ("crane", "derrick", "bird")


def test_keys_of_other_truths_are_as_before():
    assert describe_truth("glyphs", GlyphsTruth().names())["hash"] == "12823a12a442f6ef"
    assert describe_truth("places365", Places365Truth().names())["hash"] == "c5886f76acd1a6ca"
