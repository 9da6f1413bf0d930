"""Painting over and cropping, against pixels that were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.exemplar_images import masked_crops, masked_images, paint, square_box
from tests.baselines.exemplars_made import make_exemplars


def test_outside_the_mask_is_the_images_mean_colour():
    images = np.zeros((2, 2, 2, 3), dtype=np.uint8)
    images[0, 0, 0] = (10, 20, 31)  # mean 2.5, 5, 7.75
    images[1] = 200
    masks = np.zeros((2, 2, 2), dtype=bool)
    masks[0, 0, 0] = masks[1, 1, 1] = True
    painted = paint(images, masks)
    assert painted[0, 0, 0].tolist() == [10, 20, 31]
    for at in ((0, 1), (1, 0), (1, 1)):
        assert painted[0][at].tolist() == [3, 5, 8]
    assert (painted[1] == 200).all()
    assert (paint(images, masks, "grey")[0, 1] == 128).all()
    assert images[0, 1, 1].tolist() == [0, 0, 0]


def test_a_full_mask_changes_nothing_and_an_empty_one_leaves_a_colour():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    masks = np.stack([np.ones((8, 8), bool), np.zeros((8, 8), bool)])
    painted = paint(images, masks)
    assert (painted[0] == images[0]).all()
    assert len(np.unique(painted[1].reshape(-1, 3), axis=0)) == 1


def test_bad_arguments():
    images, masks = np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4), bool)
    with pytest.raises(ValueError, match="background"):
        paint(images, masks, "black")
    with pytest.raises(ValueError, match="do not match"):
        paint(images, masks[:, :3])


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ((10, 20), (10, 20), (9, 9, 12)),  # 10 pixels and 1 on each side
        ((10, 20), (10, 15), (9, 6, 12)),  # (10 + 15 - 12) // 2
        ((0, 10), (30, 40), (0, 28, 12)),  # moved down and to the left, into the image
        ((5, 6), (7, 8), (3, 5, 5)),  # one pixel: 40 / 8 = 5 wide, (11 - 5) // 2
        ((0, 40), (3, 4), (0, 0, 40)),
    ],
)
def test_the_box_is_a_square_with_a_margin_inside_the_image(rows, columns, expected):
    mask = np.zeros((40, 40), dtype=bool)
    mask[slice(*rows), slice(*columns)] = True
    assert square_box(mask) == expected


def test_an_empty_mask_has_no_box():
    assert square_box(np.zeros((9, 9), dtype=bool)) is None


def test_any_mask_lies_in_its_box():
    rng = np.random.default_rng(1)
    for _ in range(200):
        mask = rng.random((23, 23)) > rng.uniform(0.5, 0.999)
        box = square_box(mask, margin=float(rng.uniform(0, 0.5)))
        if not mask.any():
            assert box is None
            continue
        top, left, side = box
        assert 0 <= top <= 23 - side
        assert 0 <= left <= 23 - side
        assert mask[top : top + side, left : left + side].sum() == mask.sum()


def test_crops_leave_out_empty_masks_and_keep_full_ones_whole():
    exemplars = make_exemplars()
    exemplars.made_masks[1, 0] = False
    exemplars.made_masks[1, 2] = True
    painted = masked_images(exemplars, 1)
    crops = masked_crops(exemplars, 1)
    assert len(crops) == 2
    assert (crops[1] == exemplars.table[exemplars.ids[1, 2]]).all()
    top, left, side = square_box(exemplars.masks(1)[1])
    assert (crops[0] == painted[1, top : top + side, left : left + side]).all()
