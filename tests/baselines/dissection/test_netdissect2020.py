"""Network Dissection 2020 on an example with published IoU, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.base import Evidence, Method
from baselines.netdissect2020 import NetDissect2020
from tests.baselines.dissection import reference
from tests.baselines.dissection.doubles import ArrayMaps, ListMasks

LABELS = [("wall", "object"), ("sky", "object")]


def described(maps, masks, pool=torch.mean, **parameters):
    values = torch.as_tensor(np.asarray(maps), dtype=torch.float32)
    evidence = Evidence(pool(values, dim=(2, 3)), (), maps=ArrayMaps(values, 2), masks=masks)
    return NetDissect2020(**parameters).describe(evidence, seed=0)


def golden():
    """Eight pixels in two images; label numbers 1 and 2 stand at 0 and 1 here, and 0 is none."""
    units = np.zeros((2, 8))
    units[0, [0, 1, 5]] = 1
    units[1, [2, 7]] = 1
    maps = units.reshape(2, 2, 1, 4).transpose(1, 0, 2, 3).copy()
    planes = np.array([1, 1, 1, 0, 2, 2, 0, 0]).reshape(2, 1, 1, 4) - 1
    images = [(plane, []) for plane in planes]
    return maps, ListMasks(images, LABELS, ("object",), (1, 4))


def first_pixel(maps, dim):
    """A pooling that differs between the two images, so that both units are live."""
    return maps[:, :, 0, 0] - maps[:, :, 0, 3]


def test_golden_with_condition_0() -> None:
    found = described(*golden(), first_pixel, quantile=0.5, official_background=True)
    assert found.concepts == ("wall", "sky")
    # IoU of condition 0: 0.375 and 0.25, so that unit 1 is labelled "-", which is no label
    assert found.scores.tolist() == [[0.5, 0.25], [-np.inf, -np.inf]]
    assert found.counts["background_units"] == 1
    report = found.tables["report"]
    assert report.to_dict("list") == {
        "unit": [0, 1],
        "label": ["wall", "-"],
        "category": ["object", "-"],
        "iou": [0.5, 0.25],
    }


def test_golden_mended() -> None:
    found = described(*golden(), first_pixel, quantile=0.5)
    assert found.concepts == ("wall", "sky")
    assert found.scores.tolist() == [[0.5, 0.25], [0.25, -np.inf]]
    assert found.tables["report"]["label"].tolist() == ["wall", "wall"]
    assert found.counts == {"detectors": 2, "unique_detectors": 1, "detectors_object": 1}


def test_any_plane_marks_a_pixel_once() -> None:
    maps, masks = golden()
    thrice = [(np.repeat(image.planes, 3, axis=0), []) for image in masks.images]
    thrice = ListMasks(thrice, LABELS, ("object",), (1, 4))
    found = described(maps, thrice, first_pixel, quantile=0.5)
    assert found.scores.tolist() == [[0.5, 0.25], [0.25, -np.inf]]


def test_scores_are_those_of_the_plain_reading() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(25, 3, 3, 4)).astype(np.float32)
    images = [(rng.integers(-1, 2, (2, 6, 5)), []) for _ in range(25)]
    masks = ListMasks(images, LABELS, ("object",), (6, 5))
    pixels = [
        [reference.enlarged(unit, (6, 5), "zero_pad_grid") for unit in image] for image in maps
    ]
    columns = np.array(pixels).transpose(1, 0, 2, 3).reshape(3, -1)
    thresholds = np.quantile(columns.astype(np.float64), 0.99, axis=1, method="hazen")
    labels, both, _, active = reference.counts(
        maps, masks, thresholds, mode="zero_pad_grid", once=True
    )
    expected = both / (active[:, None] + labels - both)
    assert described(maps, masks).scores.tolist() == expected.astype(np.float32).tolist()


def test_gaps_are_never_labels() -> None:
    """Dead and NaN units have no score; a unit that overlaps with nothing has no label."""
    maps = np.zeros((4, 4, 2, 2))
    maps[1, 1] = np.nan
    maps[2, 2] = [[5, 0], [0, 0]]
    maps[3, 3] = [[5, 0], [0, 0]]
    plane = np.zeros((2, 2))
    images = [([], []), ([], []), ([plane], []), ([], [])]
    found = described(maps, ListMasks(images, LABELS, ("object",), (2, 2)), quantile=0.1)
    assert torch.isnan(found.scores[:2]).all()
    assert found.scores[2].tolist() == [0.25, -np.inf]
    assert (found.scores[3] == -torch.inf).all()
    report = found.tables["report"]
    assert report["label"].tolist() == ["", "", "wall", ""]
    assert report["iou"].isna().tolist() == [True, True, False, True]


def test_parameters_are_checked() -> None:
    assert isinstance(NetDissect2020(), Method)
    for wrong in ({"quantile": 0}, {"quantile": 1}, {"threshold": -1}):
        with pytest.raises(ValueError):
            NetDissect2020(**wrong)
    NetDissect2020().warm_up()
