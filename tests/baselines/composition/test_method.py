"""The method from maps and masks to texts, against dense masks and every candidate spelled out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.base import Evidence, Method
from baselines.composition import text
from baselines.composition.firing import count_firing
from baselines.compositional import Compositional
from baselines.dissection.upsample import upsample
from baselines.spatial import ImageMasks
from tests.baselines.composition import plain
from tests.baselines.dissection.doubles import ArrayMaps


def world(seed, size=(6, 5), map_size=(2, 3), batch=3, n_images=9, n_labels=7):
    random = np.random.default_rng(seed)
    images = []
    for number in range(n_images):
        coarse = random.integers(-1, n_labels, (number % 4, 2, 1))
        planes = np.repeat(np.repeat(coarse, 3, axis=1), size[1], axis=2)[:, : size[0], :]
        planes = np.resize(planes, (number % 4, *size)).astype(np.int32)
        images.append(ImageMasks(planes, tuple(random.integers(0, n_labels, number % 3))))
    masks = plain.ListedMasks(images, n_labels, size)
    values = random.random((n_images, 5, *map_size)).astype(np.float32)
    values[:, 3] = 0.5  # dead
    values[2, 4, 0, 0] = np.nan  # dead
    maps = ArrayMaps(values, batch)
    activations = maps.values.mean(dim=(2, 3))
    return Evidence(activations=activations, concepts=(), maps=maps, masks=masks)


def dense_units(evidence, level):
    """Masks of all units over all pixels, bool [U, N * sh * sw]."""
    values = evidence.maps.values
    flat = values.permute(1, 0, 2, 3).flatten(1).double().numpy()
    thresholds = torch.tensor(np.quantile(flat, level, axis=1, method="hazen"))
    large = upsample(values, evidence.masks.mask_size).double()
    return (large > thresholds[:, None, None]).permute(1, 0, 2, 3).flatten(1).numpy()


def test_is_a_method():
    method = Compositional()
    assert isinstance(method, Method)
    assert method.given == "masks"
    assert method.vocabulary == "formulas of mask labels"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("map_size", [(2, 3), (1, 1), (6, 5), (12, 11)])
@pytest.mark.parametrize("official", [False, True])
def test_texts_are_those_of_dense_masks(seed, map_size, official):
    evidence = world(seed, map_size=map_size)
    method = Compositional(quantile=0.2, penalty=0.98, official_beam=official)
    found = method.describe(evidence, seed=0)
    level = int(1000 * (1 - 0.2) - 1) / 999
    units, dense = dense_units(evidence, level), evidence.masks.dense()
    names = [label.name for label in evidence.masks.labels]
    for unit in range(3):
        expected = plain.plain_search(dense, units[unit], penalty=0.98, official_beam=official)
        assert found.texts[unit] == [(text(one, names), score) for one, score, _ in expected]
    assert found.texts[3:] == [[], []]
    assert found.scores is None
    assert found.concepts == ()


def test_table_has_a_row_for_every_unit():
    evidence = world(0)
    found = Compositional(quantile=0.2, penalty=0.9).describe(evidence, seed=0)
    table = found.tables["formulas"]
    names = [label.name for label in evidence.masks.labels]
    dense = evidence.masks.dense()
    units = dense_units(evidence, 799 / 999)
    assert table["unit"].tolist() == [0, 1, 2, 3, 4]
    assert table["label"].tolist()[3:] == ["", ""]
    assert table["score"].isna().tolist() == [False] * 3 + [True] * 2
    for row in table.head(3).itertuples():
        assert (row.label, row.score) == found.texts[row.unit][0]
        assert text(plain.parse(row.label, names), names) == row.label
        assert row.score == row.iou * 0.9 ** (row.length - 1)
        union = row.formula_pixels + row.unit_pixels - row.intersection
        assert row.iou == row.intersection / (union + 1e-10)
        assert row.unit_pixels == units[row.unit].sum()
        singles = [
            (mask & units[row.unit]).sum() / ((mask | units[row.unit]).sum() + 1e-10)
            for mask in dense
        ]
        assert row.best_iou == max(singles)
        assert row.best_label == names[int(np.argmax(singles))]
        assert row.best_category == "object"
    assert found.counts["silent_units"] == 0


def test_a_live_unit_without_a_common_pixel_is_silent():
    masks = plain.ListedMasks(
        [plain.scalar_image([0], (2, 2)), plain.scalar_image([], (2, 2))], 1, (2, 2)
    )
    maps = ArrayMaps(np.array([0.0, 1.0]).reshape(2, 1, 1, 1))
    evidence = Evidence(maps.values.flatten(1), (), maps=maps, masks=masks)
    found = Compositional(quantile=0.6).describe(evidence, seed=0)
    assert found.texts == [[]]
    assert found.counts["silent_units"] == 1
    assert found.tables["formulas"]["unit_pixels"].tolist() == [4]


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_batches_do_not_matter(batch):
    method = Compositional(quantile=0.2)
    expected = method.describe(world(1), seed=0)
    found = method.describe(world(1, batch=batch), seed=0)
    assert found.texts == expected.texts
    assert found.tables["formulas"].equals(expected.tables["formulas"])


@pytest.mark.parametrize("map_size", [(2, 3), (1, 1), (6, 5), (12, 11)])
def test_compiled_loops_count_as_torch_does(map_size):
    evidence = world(2, map_size=map_size)
    thresholds = np.array([0.7, 0.5, np.nan, 0.4, 0.9])
    evidence.maps.values[2, 4, 0, 0] = 0.0
    (cells, firing), (other_cells, other) = (
        count_firing(evidence.maps, evidence.masks, thresholds, compiled=compiled)
        for compiled in (True, False)
    )

    def spelled(cells, one):
        pairs = zip(one.cells, one.counts.tolist(), strict=True)
        return one.pixels, sorted((plain.labels_of(cells, cell).tolist(), n) for cell, n in pairs)

    assert [spelled(cells, one) for one in firing] == [spelled(other_cells, one) for one in other]
    assert firing[2].pixels == 0
    assert firing[3].pixels == len(evidence.masks) * 30


def test_counts_are_added_up_as_they_come(monkeypatch):
    evidence = world(3)
    method = Compositional(quantile=0.2)
    expected = method.describe(evidence, seed=0)
    monkeypatch.setattr("baselines.composition.firing._COMPACT", 3)
    monkeypatch.setattr("baselines.composition.firing._IMAGES", 2)
    assert method.describe(evidence, seed=0).texts == expected.texts


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 0.0},
        {"beam": 0},
        {"beam": 2.5},
        {"max_length": 0},
        {"max_length": True},
        {"penalty": 0.0},
        {"penalty": 1.1},
        {"penalty": float("nan")},
    ],
)
def test_parameters_outside_their_range_are_refused(wrong):
    with pytest.raises(ValueError):
        Compositional(**wrong)


def test_masks_and_maps_are_needed():
    with pytest.raises(ValueError, match="maps or masks"):
        Compositional().describe(Evidence(torch.zeros(1, 1), ()), seed=0)
