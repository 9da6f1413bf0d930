"""Noisy masks: how often segments are mislabelled, and how far they grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from baselines.spatial import ImageMasks, MaskLabel
from bench.glyphs.noisy_masks import NoisyMasks
from bench.glyphs.rendered_masks import RenderedMasks

LABELS = tuple(
    MaskLabel(f"{category} {number}", category)
    for category, count in (("color", 3), ("object", 9), ("scene", 4))
    for number in range(count)
)


@dataclass(frozen=True)
class TwoSegments:
    """Masks of a colour beside another, an object, and a scene: the same in each image."""

    count: int
    labels = LABELS
    categories = ("color", "object", "scene")
    mask_size = (12, 12)

    def __len__(self) -> int:
        return self.count

    def image(self, index: int) -> ImageMasks:
        planes = np.full((2, 12, 12), -1, np.int32)
        planes[0, 4:8, 4:6], planes[0, 4:8, 6:8] = 0, 2
        planes[1, 5, 5] = 3 + 4
        return ImageMasks(planes, (3 + 9 + 1,))


def test_segments_are_mislabelled_at_the_set_rate_within_their_category() -> None:
    masks = NoisyMasks(TwoSegments(4000), "val", 0, growth=0, relabelled=0.05)
    found = [masks.image(index) for index in range(len(masks))]
    colours = np.array([image.planes[0, 5, 4:8:2] for image in found])
    objects = np.array([image.planes[1, 5, 5] for image in found])
    scenes = np.array([image.scalars[0] for image in found])
    for labels, true in ((colours[:, 0], 0), (colours[:, 1], 2), (objects, 7), (scenes, 13)):
        assert (labels != true).mean() == pytest.approx(0.05, abs=0.012)
        category = LABELS[true].category
        assert {LABELS[label].category for label in labels} == {category}
        wrong = labels[labels != true]
        others = sum(one.category == category for one in LABELS) - 1
        counts = [(wrong == label).sum() for label in set(wrong.tolist())]
        assert len(counts) == others
        assert min(counts) > 0.5 * len(wrong) / others
    mislabelled = np.stack([colours[:, 0] != 0, objects != 7, scenes != 13])
    assert abs(np.corrcoef(mislabelled)[np.triu_indices(3, 1)]).max() < 0.05
    assert all((image.planes >= 0).sum() == 17 for image in found)


def test_segments_grow_by_one_or_two_pixels_over_pixels_without_a_label() -> None:
    exact = TwoSegments(200)
    masks = NoisyMasks(exact, "val", 0, growth=2, relabelled=0.0)
    sizes = []
    for index in range(len(masks)):
        image = masks.image(index)
        own = exact.image(index).planes
        assert (image.planes[own >= 0] == own[own >= 0]).all()  # no segment covers another
        assert image.planes.dtype == own.dtype
        sizes.append(int((image.planes[1] >= 0).sum()))
    assert set(sizes) == {5, 13}  # within one and two steps of a pixel
    assert sizes.count(5) == pytest.approx(100, abs=30)


def test_noise_depends_on_the_number_of_the_image_alone() -> None:
    whole = NoisyMasks(TwoSegments(60), "val", 0, growth=2, relabelled=0.5)
    part = NoisyMasks(TwoSegments(10), "val", 40, growth=2, relabelled=0.5)
    other = NoisyMasks(TwoSegments(60), "half", 0, growth=2, relabelled=0.5)
    images = [[masks.image(index).planes for index in range(len(masks))] for masks in (whole, part)]
    assert np.array_equal(images[0][40:50], images[1])
    assert np.array_equal(images[0], [whole.image(index).planes for index in range(60)])
    assert not np.array_equal(images[0], [other.image(index).planes for index in range(60)])
    assert any(not np.array_equal(images[0][0], image) for image in images[0])


def test_masks_of_glyphs_without_noise_are_the_exact_ones() -> None:
    exact = RenderedMasks("val", 6)
    same = NoisyMasks(exact, "val", 0, growth=0, relabelled=0.0)
    assert len(same) == 6
    assert (same.labels, same.categories, same.mask_size) == (
        exact.labels, exact.categories, exact.mask_size,
    )  # fmt: skip
    for index in range(6):
        assert (same.image(index).planes == exact.image(index).planes).all()
        assert same.image(index).scalars == exact.image(index).scalars
    with pytest.raises(IndexError):
        same.image(6)
