"""Network Dissection on an example with published counts, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.base import Evidence, Method
from baselines.dissection.planes import MaskRules, label_categories
from baselines.dissection.rules import iou_by_category
from baselines.dissection.tally import tally
from baselines.netdissect import NetDissect, tally_table
from tests.baselines.dissection.doubles import ArrayMaps, ListMasks

CATEGORIES = ("color", "object", "scene", "texture")
LABELS = [
    ("red-c", "color"),
    ("blue-c", "color"),
    ("sky", "object"),
    ("street-s", "scene"),
    ("grid", "texture"),
    ("dots", "texture"),
]
RED, BLUE, SKY, STREET, GRID, DOTS = range(6)
NONE = -1


def golden():
    """The three images of the published example, and thresholds of its two units."""
    upper = np.repeat([1, 1, 0, 0], 4).reshape(4, 4) == 1
    quarters = np.full((4, 4), NONE)
    quarters[:2, :2], quarters[2:, 2:] = RED, BLUE
    corner = np.full((4, 4), NONE)
    corner[:, 0] = SKY
    corner[2:, 1] = SKY
    images = [
        ([quarters, np.where(upper, SKY, NONE)], [STREET]),
        ([np.where(upper, NONE, RED)], [GRID, DOTS]),
        ([corner], [STREET, GRID]),
    ]
    maps = [
        [[[1, 0.2], [0.1, 0]], [[0, 0], [0, 1]]],
        [[[0, 0], [0.9, 0.8]], [[0.6, 0.7], [0, 0]]],
        [[[0.3, 0.2], [0.1, 0]], [[1, 0], [1, 0]]],
    ]
    masks = ListMasks(images, LABELS, CATEGORIES, (4, 4))
    return ArrayMaps(maps, 2), masks, np.array([0.5, 0.5])


def table_of(denominator):
    maps, masks, thresholds = golden()
    rules = MaskRules(whole_image=denominator == "image_has_category")
    counts = tally(maps, masks, thresholds, rules=rules)
    category = label_categories(masks)
    found = iou_by_category(counts.labels, counts.both, counts.by_category, category)
    return tally_table(masks, category, counts, found, np.array([True, True]))


def row_of(table, unit, category):
    [row] = table[table["unit"] == unit].to_dict("records")
    columns = ("label", "truth", "activation", "intersect", "iou")
    label, *numbers, score = (row[f"{category}-{column}"] for column in columns)
    return (label, *numbers, round(score, 6))


def test_golden_official() -> None:
    table = table_of("official")
    assert row_of(table, 1, "color") == ("red-c", 12, 12, 12, 1.0)
    assert row_of(table, 1, "object") == ("sky", 14, 4, 4, 0.285714)
    assert row_of(table, 1, "scene") == ("street-s", 32, 4, 4, 0.125)
    assert row_of(table, 1, "texture") == ("dots", 16, 8, 8, 0.5)
    assert row_of(table, 2, "color") == ("blue-c", 4, 4, 4, 1.0)
    assert row_of(table, 2, "object") == ("sky", 14, 8, 6, 0.375)
    assert row_of(table, 2, "scene") == ("street-s", 32, 12, 12, 0.375)
    assert row_of(table, 2, "texture") == ("grid", 32, 14, 14, 0.4375)
    first = ["unit", "category", "label", "score"]
    rest = ("label", "truth", "activation", "intersect", "iou")
    columns = [f"{category}-{column}" for category in CATEGORIES for column in rest]
    assert list(table.columns) == [*first, *columns]


def test_golden_of_the_papers_rule() -> None:
    """Unit 2 is active on 6 pixels of image 1, which has colours elsewhere: 4 / (10 + 4 - 4)."""
    table = table_of("image_has_category")
    assert row_of(table, 2, "color") == ("blue-c", 4, 10, 4, 0.4)
    assert row_of(table, 1, "color") == ("red-c", 12, 12, 12, 1.0)


def described(maps, masks, batch=2, **parameters):
    values = torch.as_tensor(np.asarray(maps), dtype=torch.float32)
    evidence = Evidence(values.mean(dim=(2, 3)), (), maps=ArrayMaps(values, batch), masks=masks)
    return NetDissect(**parameters).describe(evidence, seed=0)


def squares(n=40, seed=0):
    """Unit 0 follows the sky, unit 1 is dead, unit 2 NaN, unit 3 active where nothing is known."""
    rng = np.random.default_rng(seed)
    maps = np.zeros((n, 4, 2, 2), np.float32)
    has = rng.random(n) < 0.01
    has[3] = True
    maps[has, 0, :, 0] = 1 + rng.random(int(has.sum()))[:, None]
    maps[0, 2] = np.nan
    maps[5, 3] = 1
    plane = np.full((8, 8), NONE)
    plane[:, :4] = SKY
    images = [([plane], []) if known else ([], []) for known in has]
    return maps, ListMasks(images, LABELS, CATEGORIES, (8, 8))


def test_labels_gaps_and_counts() -> None:
    maps, masks = squares(n=400)
    found = described(maps, masks)
    assert found.concepts == tuple(name for name, _ in LABELS)
    assert found.scores.shape == (4, 6)
    assert found.scores.dtype == torch.float32
    assert int(found.scores[0].argmax()) == SKY
    assert torch.isnan(found.scores[1:3]).all()
    assert (found.scores[3] == -torch.inf).all()
    assert found.counts["detectors"] == found.counts["unique_detectors"] == 1
    assert found.counts["detectors_object"] == 1
    assert found.counts["detectors_color"] == 0
    table = found.tables["tally"]
    assert table["unit"].tolist() == [1, 4, 2, 3]
    assert table["label"].tolist() == ["sky", "", "", ""]
    assert table["score"].iloc[1] == 0
    assert table["score"].iloc[2:].isna().all()


def test_batches_and_seeds_change_nothing() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(30, 6, 3, 3))
    images = [(rng.integers(-1, 6, (2, 9, 9)), rng.integers(0, 6, 1)) for _ in range(30)]
    masks = ListMasks(images, LABELS, CATEGORIES, (9, 9))
    first = described(maps, masks, 30)
    other = described(maps, masks, 4)
    assert torch.equal(first.scores, other.scores)
    assert first.tables["tally"].equals(other.tables["tally"])


def test_the_table_and_the_scores_name_the_same_labels() -> None:
    rng = np.random.default_rng(1)
    images = [(rng.integers(-1, 6, (2, 5, 5)), rng.integers(0, 6, 1)) for _ in range(20)]
    masks = ListMasks(images, LABELS, CATEGORIES, (5, 5))
    found = described(rng.normal(size=(20, 50, 2, 2)), masks, quantile=0.1)
    table = found.tables["tally"].set_index("unit").sort_index()
    best = found.scores.argmax(dim=1).tolist()
    assert table["label"].tolist() == [found.concepts[at] for at in best]
    assert table["category"].tolist() == [LABELS[at][1] for at in best]


def test_a_layer_of_numbers_is_one_of_constant_maps() -> None:
    """Every activation is a multiple of the image's pixels, as in published final-layer tallies."""
    values = np.zeros((300, 1, 1, 1))
    values[7] = 3
    images = [([np.full((4, 4), SKY)], [STREET]) if at == 7 else ([], [GRID]) for at in range(300)]
    found = described(values, ListMasks(images, LABELS, CATEGORIES, (4, 4)))
    row = found.tables["tally"].iloc[0]
    assert (row["object-activation"], row["scene-activation"], row["texture-activation"]) == (
        16,
        16,
        0,
    )
    assert found.scores[0, SKY] == found.scores[0, STREET] == 1
    assert row["label"] == "sky"  # object comes before scene


def test_an_image_without_pixel_labels_counts_for_its_scalars_alone() -> None:
    """The official code counts the categories of the unit before it here."""
    maps, thresholds = np.zeros((2, 2, 1, 1)), np.array([0.5, 0.5])
    maps[0, 0], maps[1] = 1, 1
    images = [([np.full((2, 2), RED)], []), ([], [STREET])]
    masks = ListMasks(images, LABELS, CATEGORIES, (2, 2))
    counts = tally(ArrayMaps(maps), masks, thresholds)
    assert counts.by_category.tolist() == [[4, 0, 4, 0], [0, 0, 4, 0]]


def test_parameters_are_checked() -> None:
    assert isinstance(NetDissect(), Method)
    for wrong in ({"quantile": 0}, {"threshold": 2}, {"denominator": "paper"}):
        with pytest.raises(ValueError):
            NetDissect(**wrong)
    with pytest.raises(ValueError, match="maps or masks"):
        NetDissect().describe(Evidence(torch.ones(2, 2), ()), seed=0)
    NetDissect().warm_up()
