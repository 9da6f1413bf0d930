"""Describe-and-Dissect on models that say what the test tells them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from baselines.base import Evidence, Method
from baselines.captions import Candidate, Search
from baselines.describe_and_dissect import DescribeAndDissect
from baselines.spatial import ExemplarRule
from bench.errors import UserError
from bench.parts.catalog import METHODS
from tests.baselines.exemplars_made import MadeExemplars

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
SIZE, SPOT = 32, slice(4, 20)


def colour_of(image):
    return list(COLOURS)[int(image.reshape(-1, 3).sum(axis=0).argmax())]


class ColourCaptioner:
    """Names the colour of an image that it sees as a whole."""

    def __init__(self, silent=()):
        self.calls = []
        self.silent = silent

    def describe(self, exemplars, units, search, *, seed, progress=False):
        self.calls.append(search)
        said = []
        for unit in units:
            assert exemplars.masks(unit).all()
            [image] = exemplars.images(exemplars.ids[unit])
            colour = colour_of(image)
            text = f"A {colour.upper()} thing."
            said.append([] if colour in self.silent else [Candidate(text, -1.0, -1.0, -1.0)])
        return said


class ColourEncoder:
    """Embeds an image as its mean colour, a text as the colour that it names."""

    def images(self, images):
        return torch.from_numpy(images.mean(axis=(1, 2)) / 255).float()

    def texts(self, texts):
        rows = [COLOURS[next(c for c in COLOURS if c in text)] for text in texts]
        return torch.tensor(rows, dtype=torch.float32)


class ColourLayer:
    """Unit 0 responds to red, 1 to green, 2 to blue."""

    def __init__(self):
        self.seen = 0

    def activations(self, images):
        self.seen += len(images)
        return ColourEncoder().images(images)


@dataclass
class MadeMaps:
    table: torch.Tensor  # [N, U, h, w]

    @property
    def n_images(self):
        return len(self.table)

    @property
    def map_size(self):
        return tuple(self.table.shape[2:])

    def batches(self):
        yield from self.table.split(4)


@dataclass
class FolderOf:
    colours: dict
    asked: list = field(default_factory=list)

    def images(self, concept, count, *, size, seed):
        self.asked.append(concept)
        found = self.colours.get(concept, [])[:count]
        return np.array([np.full((size, size, 3), one) for one in found], np.uint8).reshape(
            -1, size, size, 3
        )


class FakeModel:
    def __init__(self, answer):
        self.answer_of = answer
        self.shortened = []

    def answer(self, prompts, *, seed):
        self.shortened += [p for p in prompts if p.endswith("Short:")]
        return [
            p.splitlines()[-2].partition(": ")[2] if p.endswith("Short:") else self.answer_of(p)
            for p in prompts
        ]


def made_evidence(*, spots=True, **given):
    """Nine images of a grey ground with a spot of a colour; unit u responds to colour u."""
    images = np.full((9, SIZE, SIZE, 3), 90, np.uint8)
    maps = torch.zeros(9, 4, 8, 8)
    for at in range(9):
        images[at, SPOT, SPOT] = list(COLOURS.values())[at % 3]
        maps[at, at % 3, 1:5, 1:5] = 1 + at / 10
    activations = maps.mean(dim=(2, 3))
    if not spots:
        maps = activations[:, :, None, None]
    ids = activations.argsort(dim=0, descending=True, stable=True)[:4].T.numpy().copy()
    ids[3] = -1  # unit 3 is dead
    values = activations.T.gather(1, torch.from_numpy(ids.clip(0))).numpy()

    class Ranked(MadeExemplars):
        @property
        def activations(self):
            return values

    exemplars = Ranked(images, ids, np.ones((4, 4, SIZE, SIZE), bool))
    models = {
        "captioner": ColourCaptioner(), "image_text": ColourEncoder(), "target": ColourLayer(),
    }  # fmt: skip
    return Evidence(
        activations=activations,
        concepts=(),
        exemplars=exemplars,
        maps=MadeMaps(maps),
        **(models | given),
    )


def test_it_is_a_method_and_imports_no_torch():
    method = DescribeAndDissect()
    assert isinstance(method, Method)
    assert method.vocabulary == "free text"
    assert method.exemplar_rule == ExemplarRule(10, order="pooled")
    code = "import sys, baselines.describe_and_dissect as m; m.DescribeAndDissect(); "
    subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=True)
    for wrong in ({"top_k": 0}, {"crops": -1}, {"concepts": 0}, {"generated": 0}):
        with pytest.raises(UserError, match="at least"):
            METHODS.build("describe_and_dissect", wrong)


def test_captions_of_images_and_crops_are_ranked_by_the_encoder():
    given = made_evidence()
    labels = DescribeAndDissect(top_k=4).describe(given, seed=0)
    for unit, colour in enumerate(COLOURS):
        assert labels.texts[unit][0][0] == f"a {colour} thing"
    assert labels.texts[3] == []
    assert labels.counts == {"silent_units": 0}
    assert labels.notes == ()
    images = labels.tables["images"]
    assert images.groupby("unit").size().tolist() == [4, 4, 4]
    crops = images[(images.bottom - images.top) < SIZE]
    # Each of a unit's three own images has a crop of its spot, which activates the unit more.
    assert len(crops) == 9
    assert crops.activation.min() > images.drop(crops.index).activation.max()
    assert crops["rank"].tolist() == [0, 1, 2] * 3
    concepts = labels.tables["concepts"]
    assert concepts.columns.tolist() == [
        "unit", "rank", "concept", "mean_square", "similarity", "score",
    ]  # fmt: skip
    assert concepts.mean_square.isna().all()
    assert given.captioner.calls[0] == Search("greedy", 1, 0.0)


def test_crops_can_be_left_out_and_layers_without_maps_have_none():
    given = made_evidence()
    labels = DescribeAndDissect(top_k=4, crops=0).describe(given, seed=0)
    assert given.target.seen == 0
    table = labels.tables["images"]
    assert (table.bottom - table.top == SIZE).all()
    np.testing.assert_array_equal(table.image[:4], given.exemplars.ids[0])
    flat = made_evidence(spots=False)
    labels = DescribeAndDissect(top_k=4).describe(flat, seed=0)
    assert flat.target.seen == 0
    assert labels.notes == ("no crops: the layer has no maps",)


def test_images_of_concepts_decide_and_concepts_without_images_are_left_out():
    # "a red thing" is shown in pale red, to which unit 0 responds less than to "crimson".
    folder = FolderOf({"a red thing": [(120, 90, 90)] * 3, "crimson": [(250, 10, 10)] * 3})
    answers = iter(["a red thing", "crimson", "unknown"] * 9)
    model = FakeModel(lambda _: next(answers))
    given = made_evidence(generator=folder, language_model=model)
    labels = DescribeAndDissect(top_k=4, concepts=3).describe(given, seed=0)
    assert [text for text, _ in labels.texts[0]] == ["crimson", "a red thing"]
    rows = labels.tables["concepts"]
    # Three equal images each: the ranks 0, 1, 2 are 1 on average, and 3, 4, 5 are 4.
    assert rows[rows.unit == 0].mean_square.tolist() == [1, 16]
    # Four captions of each unit, equal ones too.
    assert len(model.shortened) == 12
    # Images of a concept are made once for all units.
    assert sorted(folder.asked) == ["a red thing", "crimson", "unknown"]


def test_without_images_of_any_concept_texts_decide():
    given = made_evidence(generator=FolderOf({}))
    plain = DescribeAndDissect(top_k=4).describe(made_evidence(), seed=0)
    assert DescribeAndDissect(top_k=4).describe(given, seed=0).texts == plain.texts


def test_a_unit_without_captions_is_silent():
    given = made_evidence(captioner=ColourCaptioner(silent=("green",)))
    labels = DescribeAndDissect(top_k=3).describe(given, seed=0)
    assert labels.texts[1] == []
    assert labels.counts == {"silent_units": 1}


def test_missing_evidence_is_named():
    for missing in ("captioner", "image_text", "target"):
        with pytest.raises(ValueError, match=missing):
            DescribeAndDissect().describe(made_evidence(**{missing: None}), seed=0)
