"""The segmenter's truth, its measures, its starting point, and the shipped file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bench.files import sha256_file
from bench.glyphs.encoder import WEIGHTS as ENCODER_WEIGHTS
from bench.glyphs.planes import MASK_SIZE, PLANES
from bench.glyphs.segmenter import load_segmenter
from bench.glyphs.segmenter_net import SegmenterNet, split_planes, trunk_of_encoder
from bench.glyphs.train.regions import Regions, load_regions
from bench.glyphs.train.segmenter import agreement, make_loss, predict_classes
from bench.glyphs.weights import card
from bench.glyphs.world import render

if TYPE_CHECKING:
    from pathlib import Path

FIRST = 100_000
"""Index of fresh images of the split val, far beyond those that the card was measured on."""


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Regions:
    return load_regions(tmp_path_factory.mktemp("regions"), "val", 12, workers=1)


def test_the_truth_is_that_of_the_masks(truth: Regions) -> None:
    """Every pixel of every plane, from the sample itself."""
    found = truth.planes(np.arange(12))
    assert found.shape == (12, len(PLANES), MASK_SIZE, MASK_SIZE)
    for index in range(12):
        sample = render(index, "val", "val")
        wanted = {plane.category: np.zeros((128, 128), int) for plane in PLANES}
        wanted["scene"][sample.scene_mask] = sample.scene_id + 1
        for one in sample.instances:
            wanted["object"][one.mask] = one.object_id + 1
            wanted["color"][one.mask] = one.colour_id + 1
            wanted["texture"][one.mask] = one.texture_id + 1
        for at, plane in enumerate(PLANES):
            assert (found[index, at] == wanted[plane.category][1::2, 1::2]).all()


def test_coarser_truth_is_read_off_the_finer(truth: Regions) -> None:
    index = np.asarray([3, 7])
    whole = truth.planes(index)
    assert (truth.planes(index, 32) == whole[:, :, 1::2, 1::2]).all()
    at = ((np.arange(48) + 0.5) * 64 / 48).astype(int)
    assert (truth.planes(index, 48) == whole[:, :, at][:, :, :, at]).all()


def test_agreement_against_counts_by_hand() -> None:
    """Truth has labels 1 and 2, the network also says 3, nobody says 4."""
    wanted = np.asarray([0, 0, 1, 1, 1, 2, 2, 0])
    found = np.asarray([0, 1, 1, 1, 0, 2, 3, 0])
    scores = agreement(found, wanted, 5)
    assert scores["pixels"] == pytest.approx(5 / 8)
    assert scores["marked"] == pytest.approx(3 / 5)
    assert scores["mean_iou"] == pytest.approx((2 / 4 + 1 / 2 + 0) / 3)
    assert agreement(wanted, wanted, 5) == {"pixels": 1.0, "marked": 1.0, "mean_iou": 1.0}


def test_the_loss_is_least_for_the_truth(truth: Regions) -> None:
    index = np.arange(4)
    classes = torch.from_numpy(truth.planes(index, 32))
    parts = [
        torch.nn.functional.one_hot(classes[:, at], plane.classes).permute(0, 3, 1, 2) * 20.0
        for at, plane in enumerate(PLANES)
    ]
    loss = make_loss(truth)
    right = torch.cat(parts, dim=1)
    assert loss(right, index, np.random.default_rng(0)) < 1e-4
    uniform = loss(torch.zeros_like(right), index, np.random.default_rng(0))
    expected = 1.5 * sum(np.log(plane.classes) for plane in PLANES)
    assert float(uniform) == pytest.approx(expected, rel=1e-5)


def test_the_trunk_takes_over_all_of_its_tensors() -> None:
    taken = trunk_of_encoder(ENCODER_WEIGHTS)
    own = SegmenterNet().trunk.state_dict()
    assert set(taken) == {name for name in own if not name.endswith("num_batches_tracked")}
    assert all(taken[name].shape == own[name].shape for name in taken)


@pytest.mark.parametrize("size", [64, 96, 128])
def test_planes_are_half_as_large_as_the_image(size: int) -> None:
    logits = SegmenterNet().eval()(torch.zeros(1, 3, size, size))
    planes = split_planes(logits)
    assert [tuple(each.shape) for each in planes] == [
        (1, plane.classes, size // 2, size // 2) for plane in PLANES
    ]


def test_a_file_that_does_not_fit_is_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"unexpected \['x'\]"):
        load_segmenter(path)


def test_the_card_says_what_it_started_from() -> None:
    start = card()["parts"]["segmenter"]["starts_from"]
    assert start["sha256"] == sha256_file(ENCODER_WEIGHTS)


FLOORS = {"color": 0.9, "object": 0.35, "scene": 0.97, "texture": 0.48}
"""Share of the labelled pixels that a shipped segmenter must name rightly."""


def test_the_card_is_above_chance_in_every_plane() -> None:
    """Chance: one label in so many, of the pixels that have one; and no label, no intersection."""
    scores = card()["parts"]["segmenter"]["accuracy"]
    for plane in PLANES:
        assert scores[f"{plane.category}_marked"] >= FLOORS[plane.category] > 2 / len(plane.names)
        assert scores[f"{plane.category}_mean_iou"] > 1 / len(plane.names)


def test_fresh_images_agree_with_the_card() -> None:
    """Sixteen fresh images: within what so few can tell."""
    samples = [render(FIRST + i, "val", "val") for i in range(16)]
    found = predict_classes(load_segmenter(), np.stack([sample.image for sample in samples]))
    scores = card()["parts"]["segmenter"]["accuracy"]
    at = {plane.category: number for number, plane in enumerate(PLANES)}
    right = {"object": [], "color": [], "scene": []}
    for planes, sample in zip(found, samples, strict=True):
        right["scene"].append(
            planes[at["scene"]][sample.scene_mask[1::2, 1::2]] == sample.scene_id + 1
        )
        main = sample.instances[0]
        mask = main.mask[1::2, 1::2]
        right["object"].append(planes[at["object"]][mask] == main.object_id + 1)
        right["color"].append(planes[at["color"]][mask] == main.colour_id + 1)
    for category, pixels in right.items():
        # Pixels of one image err together: sixteen images are about as many draws.
        share = float(np.mean([each.mean() for each in pixels if each.size]))
        assert share > scores[f"{category}_marked"] - 0.25
