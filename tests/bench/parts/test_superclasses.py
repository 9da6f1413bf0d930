"""Superclasses: WordNet's hypernyms as shipped, files of users, and the labels of images."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from baselines.base import Evidence
from baselines.composition.presence import mask_presence
from baselines.invert import Invert
from baselines.spatial import ImageMasks, MaskLabel
from bench.errors import UserError
from bench.parts.probes.classes import ClassMasks
from bench.parts.superclasses import (
    MIXED,
    Superclasses,
    SuperclassMasks,
    group_labels,
    read_superclasses,
)
from bench.parts.truths.class_names import true_names
from bench.parts.truths.shipped import imagenet_hypernyms, imagenet_names, imagenet_synsets
from metrics.formulas import FormulaReader
from metrics.labels import LabelRules, true_concepts
from tests.baselines.composition.plain import ListedMasks

PARENTS = {"dog": ["pet", "mammal"], "cat": ["pet", "mammal"], "whale": ["mammal"],
           "mammal": ["animal"], "trout": ["animal"]}  # fmt: skip
LABELS = ["dog", "cat", "whale", "trout", "stone"]


class Labelled:
    """A probe set: its labels, and the folders of its classes, if it has any."""

    def __init__(self, names, folders=None):
        self.names = names
        if folders is not None:
            self.class_folders = lambda: tuple(folders)

    def mask_labels(self):
        return tuple(MaskLabel(name, "class") for name in self.names)


def wordnet(synsets):
    return read_superclasses("wordnet", Labelled([f"label of {s}" for s in synsets], synsets))


def members(found):
    return {label.name: own for label, own in zip(found.labels, found.members, strict=True)}


def write(folder, content, name="classes.txt"):
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return str(file)


def test_every_class_of_imagenet_reaches_entity():
    parents, words = imagenet_hypernyms()
    assert set(imagenet_synsets()) | set(words) == set(parents)
    assert len(parents) == 1000 + len(words)
    assert all(set(above) <= set(words) for above in parents.values())

    def roots(name, below=()):
        assert name not in below, "a cycle"
        above = parents[name]
        return {name} if not above else set().union(*(roots(up, (*below, name)) for up in above))

    assert all(roots(synset) == {"entity.n.01"} for synset in imagenet_synsets())


def test_superclasses_of_imagenet():
    """The published file has 473 hypernyms: those of WordNet 3.0, three of which differ."""
    _, words = imagenet_hypernyms()
    assert len(words) == 471  # with entity, which all classes are
    found = wordnet(tuple(imagenet_synsets()))
    assert len(found.labels) == len(set(found.members)) == 394
    sizes = {name: len(own) for name, own in members(found).items()}
    assert min(sizes.values()) == 2
    assert max(sizes.values()) == sizes["physical entity"] == 997
    assert sizes["dog, domestic dog, Canis familiaris"] == 118
    assert sizes["animal, animate being, beast, brute, creature, fauna"] == 398
    # A chordate of the 1,000 classes is a vertebrate: the more specific name stays.
    assert "vertebrate, craniate" in sizes
    assert not any(name.startswith("chordate") for name in sizes)
    names = imagenet_names()
    cats = {names[at] for at in members(found)["big cat, cat"]}
    assert cats == {name for name in names if name.split(",")[0] in
                    {"leopard", "snow leopard", "jaguar", "lion", "tiger", "cheetah"}}  # fmt: skip


def test_a_superclass_is_no_right_answer():
    """Not even where WordNet has one word for both: amphibians, and amphibious vehicles."""
    found = wordnet(tuple(imagenet_synsets()))
    truths = list(true_names(dict(enumerate(imagenet_names()))).values())
    names = [label.name for label in found.labels]
    assert not set(names) & set(imagenet_names())
    assert not any(len(right) for right in true_concepts(truths, names, LabelRules()))
    reader = FormulaReader({label.name: label.category for label in found.labels}
                           | dict.fromkeys(imagenet_names(), "class"))  # fmt: skip
    dog = "dog, domestic dog, Canis familiaris"
    assert reader(f"({imagenet_names()[0]} OR {dog})") == ()  # as of a list of classes


def test_only_superclasses_that_a_probe_set_can_tell_apart():
    synsets = imagenet_synsets()
    few = [name for name in synsets if synsets[name] in (0, 1, 281, 282, 404)]
    found = members(wordnet(few))
    assert sorted(found.values()) == [(0, 1), (0, 1, 2, 3), (2, 3)]
    assert found["vertebrate, craniate"] == (0, 1, 2, 3)
    assert found["cyprinid, cyprinid fish"] == (0, 1)  # no other fish is shown


@pytest.mark.parametrize(
    ("folders", "message"),
    [(None, "not classes of ImageNet"), (["n01440764", "n00000001"], "'n00000001' is no synset")],
)
def test_wordnet_only_for_classes_of_imagenet(folders, message):
    with pytest.raises(UserError, match=message) as error:
        read_superclasses("wordnet", Labelled(["a", "b"], folders))
    assert "method.params.superclasses=FILE" in error.value.hint


def test_groups():
    # A pet is a mammal but of other labels; nothing is above all labels.
    assert group_labels(LABELS, PARENTS) == {
        "pet": (0, 1), "mammal": (0, 1, 2), "animal": (0, 1, 2, 3),
    }  # fmt: skip
    assert list(group_labels(LABELS, PARENTS)) == ["pet", "mammal", "animal"]
    # Animals are now mammals: the more specific name stays. All labels together tell nothing.
    assert group_labels([*LABELS[:3], "stone"], PARENTS) == {"mammal": (0, 1, 2), "pet": (0, 1)}
    assert group_labels(LABELS[:3], PARENTS) == {"pet": (0, 1)}
    assert group_labels(["a", "b", "c"], {"a": ["y", "x"], "b": ["x", "y"]}) == {"x": (0, 1)}


def test_files(tmp_path):
    lines = "dog\tpet\tmammal\ncat\tpet\n\ncat\tmammal\nwhale\tmammal\n"
    lines += "mammal\tanimal\ntrout\tanimal\n"
    as_text = read_superclasses(write(tmp_path, lines), Labelled(LABELS))
    as_json = {**PARENTS, "trout": "animal"}
    other = read_superclasses(write(tmp_path, json.dumps(as_json), "a.json"), Labelled(LABELS))
    assert as_text == other
    assert as_text.fingerprint() == other.fingerprint()
    assert members(as_text) == group_labels(LABELS, PARENTS)
    fewer = read_superclasses(write(tmp_path, "dog\tpet\ncat\tpet", "b.txt"), Labelled(LABELS))
    assert fewer.fingerprint() != as_text.fingerprint()


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        ("dog\tpet\ncat", "does not name a label and its superclasses", "classes.txt:2"),
        ("dog\t\tpet", "does not name a label and its superclasses", "classes.txt:1"),
        ("dog\tpet\nkat\tpet", "'kat' is neither a label", "classes.txt:2"),
        ("dog\tcat", "'cat' is both a label", "classes.txt:1"),
        ("dog\tpet\npet\tx\nx\tpet", "a superclass is above itself", "classes.txt"),
        ("dog\tpet", "no superclass has at least two of the 5 labels", "classes.txt"),
        ("", "no superclass has at least two", "classes.txt"),
    ],
)
def test_files_that_are_refused(tmp_path, content, message, place):
    with pytest.raises(UserError, match=message) as error:
        read_superclasses(write(tmp_path, content), Labelled(LABELS))
    assert error.value.where.endswith(place)
    assert error.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"dog": 1}', "'dog' has no list of superclasses"),
        ('{"dog": ["pet", 1]}', "'dog' has no list of superclasses"),
        ('{"dog": ["pet", " "]}', "'dog' has no list of superclasses"),
        ('{"dog": {"pet": "animal"}}', "'dog' has no list of superclasses"),
        ("[" * 100_000, "not an object of texts"),
        ('{"dog": ' + 5_000 * "1" + "}", "not an object of texts"),
    ],
)
def test_json_that_is_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as error:
        read_superclasses(write(tmp_path, content, "a.JSON"), Labelled(LABELS))
    assert error.value.hint


def test_repeated_names_in_json_add_up(tmp_path):
    content = '{"dog": "pet", "cat": "pet", "dog": "beast", "cat": "beast", "trout": "beast"}'
    found = read_superclasses(write(tmp_path, content, "a.json"), Labelled(LABELS))
    assert [label.name for label in found.labels] == ["pet", "beast"]


def test_missing_files_are_named():
    with pytest.raises(UserError, match="there is no file wordnett") as error:
        read_superclasses("wordnett", Labelled(LABELS))
    assert error.value.where == "method.params.superclasses"


def test_images_show_the_superclasses_of_all_their_labels():
    images = [
        ImageMasks(np.array([[[0, -1]], [[2, 2]]], np.int32), (1,)),
        ImageMasks(np.empty((0, 1, 2), np.int32)),
        ImageMasks(np.empty((0, 1, 2), np.int32), (2,)),
    ]
    above = Superclasses((MaskLabel("x", "object"), MaskLabel("y", MIXED)), ((0, 1), (1, 2)))
    masks = SuperclassMasks(ListedMasks(images, 3, (1, 2)), above)
    assert [label.name for label in masks.labels] == ["l0", "l1", "l2", "x", "y"]
    assert masks.categories == ("object", MIXED)
    assert masks.mask_size == (1, 2)
    assert [masks.image(at).scalars for at in range(len(masks))] == [(1, 3, 4), (), (2, 4)]
    assert masks.image(0).planes is images[0].planes
    assert mask_presence(masks).sum(axis=0).tolist() == [1, 1, 2, 1, 2]


def test_invert_names_a_unit_of_all_dogs():
    """Where no image shows another canine, "canine" has the same images: "dog" is first."""
    synsets = list(imagenet_synsets())
    shown = np.repeat([0, 30, 151, 180, 207, 235, 248, 263, 281, 404, 817], 4)
    found = wordnet(tuple(synsets))
    masks = SuperclassMasks(ClassMasks(imagenet_names(), tuple(shown.tolist()), (8, 8)), found)
    responds = torch.from_numpy(np.isin(shown, range(151, 269)).astype(np.float32))
    noise = torch.from_numpy(np.random.default_rng(0).random(len(shown))).float() / 2
    evidence = Evidence((responds + noise)[:, None], (), masks=masks)
    said = Invert(superclasses="wordnet", max_fraction=0.7).describe(evidence, seed=0).texts[0]
    assert said[0] == ("dog, domestic dog, Canis familiaris", 1.0)


def test_parameters_of_records():
    old = Invert().parameters
    assert old == {"beam": 3, "max_length": 3, "min_fraction": 0.002, "max_fraction": 0.5}
    assert Invert(superclasses="wordnet").parameters == {**old, "superclasses": "wordnet"}
    assert Invert(superclasses="my/own.txt").parameters == {**old, "superclasses": "own.txt"}
    with pytest.raises(ValueError, match="superclasses must be"):
        Invert(superclasses="")
