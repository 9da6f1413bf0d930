"""Experiments beside published figures: which cell is which, and when a difference is taken."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
from rich.console import Console

from leaderboards.cells import Cell
from leaderboards.pages.published import print_comparisons
from leaderboards.published import load_figures
from leaderboards.reproduction import compare_published, experiments_of, same_cell
from leaderboards.scores import ScoreSet
from metrics.scores import Score
from tests.leaderboards.builder import make_record

MPNET = {"weights": "hub:sentence-transformers/all-mpnet-base-v2"}
CLIP = {"weights": "open_clip:ViT-B-16-quickgelu/openai", "templates": ["{}"]}
CHOICES = {
    "experiment": "paper_table1",
    "method": "clip_dissect",
    "target": "resnet50_imagenet",
    "probe": "imagenet_val",
    "concepts": "paper_20k",
}


def record(*overrides: str, similarity: str = "soft_wpmi", **changes: Any):
    more = {key: changes.pop(key) for key in ("layer", "method", "origin", "status", "encoder")
            if key in changes}  # fmt: skip
    more.setdefault("encoder", {"name": "open_clip", "params": {}, "fingerprint": CLIP})
    choices = CHOICES | changes
    return make_record(
        similarity, board="paper", run={"choices": choices, "overrides": list(overrides)}, **more
    )


def scores(units: int = 1000, *, sentence: Any = None, clip: Any = None, official: bool = False):
    return ScoreSet(
        skey="k",
        scoring={
            "truth": {"name": "imagenet", "units": units},
            "sentence": sentence or MPNET,
            "clip_text": clip or CLIP,
            "rules": {"official_labels": official},
        },
        circular=False,
        scores={
            "sentence_cosine": Score(0.5, ci_low=0.4, ci_high=0.6, n=1000),
            "clip_cosine": Score(0.8, n=1000),
            "accuracy_at_1": Score(0.9, n=1000),
            "mean_rank": Score(2.0, n=1000, higher_is_better=False),
        },
    )


def figure(metric: str = "sentence_cosine", **wanted: str):
    wanted = {"experiment": "paper_table1", "probe_set": "imagenet_val", "concept_set": "paper_20k",
              "metric": metric} | wanted  # fmt: skip
    [found] = [
        f for f in load_figures() if all(getattr(f, key) == wanted[key] for key in wanted)
    ]  # fmt: skip
    return found


def line(metric: str, cells: list[Cell], **wanted: str):
    own = figure(metric, **wanted)
    [found] = [
        entry for entry in compare_published(cells, own.experiment) if entry.figure == own
    ]  # fmt: skip
    return found


def test_a_cell_is_known_by_its_choices():
    own = figure()
    assert same_cell(own, record())
    harmless = ("probe.params.path=/data", "method.params.similarity=soft_wpmi")
    assert same_cell(own, record(*harmless, "runtime.batch_size=8"))
    for changes in (
        {"target": "resnet18_imagenet"}, {"probe": "cifar100_train"}, {"concepts": "paper_10k"},
        {"layer": "layer4"}, {"method": "milan"}, {"origin": "imported"}, {"status": "failed"},
        {"similarity": "wpmi"},
    ):  # fmt: skip
        assert not same_cell(own, record(**changes)), changes


@pytest.mark.parametrize(
    "override",
    ["probe.params.limit=1000", "++target.params.arch=resnet18", "concepts.params.size=3k",
     "target.params.weights=IMAGENET1K_V2",
     "target.params.resize=0", "method.params.top_k=5", "target.pooling=max",
     "target.precision=bfloat16"],
)  # fmt: skip
def test_an_override_that_changes_a_choice_makes_another_cell(override):
    assert not same_cell(figure(), record(override))


def test_the_difference_is_ours_minus_theirs():
    cells = [Cell(record(), (scores(),))]
    assert experiments_of(cells) == ["paper_table1"]
    found = line("sentence_cosine", cells)
    assert found.difference == pytest.approx(0.5 - 0.5262)
    assert found.interval == (0.4, 0.6)
    assert line("clip_cosine", cells).difference == pytest.approx(0.8 - 0.79)
    missing = line("clip_cosine", cells, probe_set="broden1_224")
    assert (missing.value, missing.difference, missing.reason) == (None, None, "not run")


def test_no_difference_between_judges_rules_or_units():
    for judged, word in (
        (scores(sentence={"weights": "53aa"}), "mpnet"),
        (scores(units=200), "1000 units"),
    ):
        found = line("sentence_cosine", [Cell(record(), (judged,))])
        assert (found.value, found.difference) == (0.5, None)
        assert word in found.reason
    tuned = scores(clip=CLIP | {"templates": ["a photo of a {}"]})
    assert line("clip_cosine", [Cell(record(), (tuned,))]).difference is None
    cell = record(concepts="imagenet_classes", experiment="paper_table3")
    wanted = {"experiment": "paper_table3", "variant": "soft_wpmi",
              "concept_set": "imagenet_classes"}  # fmt: skip
    both = (scores(official=True), scores())
    assert line("accuracy_at_1", [Cell(cell, both)], **wanted).difference == pytest.approx(-0.055)
    assert line("accuracy_at_1", [Cell(cell, both[:1])], **wanted).difference is None
    assert line("mean_rank", [Cell(cell, both)], **wanted).difference == pytest.approx(0.82)


@pytest.mark.parametrize("encoder", [{"weights": "53aa"}, CLIP | {"templates": ["a {}"]}, "e1"])
def test_no_difference_between_labels_of_two_encoders(encoder):
    cell = record(encoder={"name": "x", "params": {}, "fingerprint": encoder})
    found = line("sentence_cosine", [Cell(cell, (scores(),))])
    assert (found.value, found.difference) == (0.5, None)
    assert "labelled with CLIP ViT-B/16" in found.reason
    own_words = Cell(record(encoder={}), (scores(),))  # of a method that has no encoder
    assert line("sentence_cosine", [own_words]).difference is not None


def test_no_difference_for_weights_that_only_bear_the_name():
    own = record()
    for weights, told in (
        ({"torchvision": "resnet50/IMAGENET1K_V1"}, True),
        ({"sha256": "0"}, False),
    ):
        target = own.target | {
            "params": {"arch": "resnet50", "weights": "IMAGENET1K_V1"},
            "fingerprint": {"weights": weights},
        }
        found = line(
            "sentence_cosine", [Cell(dataclasses.replace(own, target=target), (scores(),))]
        )
        assert (found.difference is not None) == told
        assert ("weights" in found.reason) != told


def timed(layer: str, *, match: float, cached: bool = False):
    """A cell of a run whose pass over the images took 100 s for all of its layers."""
    shared = {"name": "gather", "wall_s": 100.0, "cached": cached}
    own = [{"name": "match", "wall_s": match}, {"name": "score", "wall_s": 1.0}]
    run = {"hardware": "H", "device": "cpu", "repeats": 1, "units": 10, "phases": [shared, *own]}
    cell = record(layer=layer, probe="broden1_224", experiment="paper_table4")
    return Cell(cell, (), (run,))


def test_five_layers_share_one_pass():
    layers = ("conv1", "layer1", "layer2", "layer3", "layer4")
    cells = [timed(layer, match=10.0) for layer in layers]
    wanted = {"experiment": "paper_table4", "method": "clip_dissect", "probe_set": "broden1_224"}
    found = line("minutes", cells, **wanted)
    assert found.value == pytest.approx((100 + 5 * 11) / 60)
    assert found.difference is None
    assert "hardware" in found.reason
    assert "layer4" in line("minutes", cells[:4], **wanted).reason
    unknown = [timed(layer, match=10.0, cached=True) for layer in layers]
    assert line("minutes", unknown, **wanted).value is None


def test_the_terminal_shows_both_numbers_and_what_nobody_saw():
    text = io.StringIO()
    cells = [Cell(record(), (scores(),))]
    for name in ("paper_table1", "paper_table4"):
        print_comparisons(name, compare_published(cells, name), Console(file=text, width=200))
    shown = text.getvalue()
    assert "0.5000 [0.40, 0.60]" in shown
    assert "-0.0262" in shown
    assert "not seen" in shown
    assert "not run" in shown
