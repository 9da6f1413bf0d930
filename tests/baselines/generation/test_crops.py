"""Crops where a map is high: thresholds, regions and boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.generation.crops import Box, cut_out, find_boxes, grey_levels, otsu_threshold


def plain_otsu(levels):
    """Every threshold in turn, by the definition."""
    values = levels.reshape(-1).astype(float)
    best, found = -1.0, 0
    for threshold in range(256):
        low, high = values[values <= threshold], values[values > threshold]
        if not len(low) or not len(high):
            continue
        between = len(low) * len(high) * (low.mean() - high.mean()) ** 2
        if between > best * (1 + 1e-12):
            best, found = between, threshold
    return found


@given(st.lists(st.integers(0, 255), min_size=2, max_size=30))
@settings(max_examples=25, deadline=None)
def test_otsu_is_the_best_of_all_thresholds(values):
    levels = np.array(values, np.uint8)
    threshold, expected = otsu_threshold(levels), plain_otsu(levels)
    # Thresholds between the same levels separate the same pixels.
    np.testing.assert_array_equal(levels > threshold, levels > expected)


def test_maps_of_any_range_are_scaled_before_they_become_8_bits():
    values = np.array([[-3.0, 0.0], [300.0, 1000.0]], np.float32)
    assert grey_levels(values).tolist() == [[0, 1], [77, 255]]
    assert grey_levels(values / 1e6).tolist() == grey_levels(values).tolist()
    assert grey_levels(np.full((2, 2), 7, np.float32)).tolist() == [[0, 0], [0, 0]]


def test_overlap_is_intersection_over_union():
    box = Box(0, 0, 4, 4)
    assert box.overlap(Box(2, 2, 6, 6)) == pytest.approx(4 / 28)
    assert box.overlap(box) == 1
    assert box.overlap(Box(5, 0, 9, 4)) == 0


def drawn(*regions, size=40):
    found = np.zeros((size, size), np.float32)
    for top, left, bottom, right in regions:
        found[top:bottom, left:right] = 9.0
    return found


def test_boxes_are_of_regions_largest_first_up_to_a_limit():
    regions = [(0, 0, 4, 4), (10, 10, 20, 22), (30, 0, 36, 6), (0, 30, 5, 35), (30, 30, 33, 33)]
    found = find_boxes(drawn(*regions))
    assert [tuple(box) for box in found] == [regions[i] for i in (1, 2, 3, 0)]
    assert find_boxes(drawn(*regions), 1) == found[:1]
    assert find_boxes(np.full((9, 9), 2.0, np.float32)) == []


def test_pixels_that_touch_at_a_corner_are_one_region_and_holes_are_filled():
    assert find_boxes(drawn((0, 0, 5, 5), (5, 5, 10, 10))) == [Box(0, 0, 10, 10)]
    ring = drawn((0, 0, 20, 20))
    ring[5:15, 5:15] = 0
    ring[8:12, 8:12] = 9  # an island inside the hole is no region of its own
    assert find_boxes(ring) == [Box(0, 0, 20, 20)]


def test_large_and_overlapping_boxes_are_left_out():
    # 36 x 36 of 40 x 40 pixels are 81 %, 35 x 36 are 78.75 %.
    assert find_boxes(drawn((0, 0, 36, 36))) == []
    assert find_boxes(drawn((0, 0, 35, 36))) == [Box(0, 0, 35, 36)]
    # The box of an L contains the second region, over 25 % of it; and then over 64 %.
    corner = drawn((0, 0, 2, 20), (0, 0, 20, 2), (10, 10, 20, 20))
    assert find_boxes(corner) == [Box(0, 0, 20, 20), Box(10, 10, 20, 20)]
    corner[4:20, 4:20] = 9
    assert find_boxes(corner) == [Box(0, 0, 20, 20)]


def test_crops_have_the_size_of_the_image():
    image = np.zeros((12, 12, 3), np.uint8)
    image[2:8, 3:6] = (200, 100, 50)
    crops = cut_out(image, [Box(2, 3, 8, 6), Box(0, 0, 12, 12)])
    assert crops.shape == (2, 12, 12, 3)
    assert (crops[0] == (200, 100, 50)).all()
    assert (crops[1] == image).all()
    assert cut_out(image, []).shape == (0, 12, 12, 3)
