"""Dissection as slowly and plainly as can be: one image, unit and pixel after the other."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image


def enlarged(values, size, mode):
    """One map at another size; of half_pixel by Pillow, one axis at a time as it does itself."""
    height = len(values)
    if mode == "half_pixel" or values.shape == (1, 1):
        across = Image.fromarray(values).resize((size[1], height), Image.Resampling.BILINEAR)
        return np.asarray(across.resize((size[1], size[0]), Image.Resampling.BILINEAR))
    across = np.empty((height, size[1]), np.float32)
    for y in range(height):
        for x in range(size[1]):
            across[y, x] = between_zeros(values[y], x, size[1])
    result = np.empty(size, np.float32)
    for y in range(size[0]):
        for x in range(size[1]):
            result[y, x] = between_zeros(across[:, x], y, size[0])
    return result


def between_zeros(values, target, count):
    place = (target + 0.5) * len(values) / count - 0.5
    before = math.floor(place)
    share = place - before
    padded = [0.0, *map(float, values), 0.0]
    return padded[before + 1] * (1.0 - share) + padded[before + 2] * share


def counts(maps, masks, thresholds, *, mode, whole_image=False, once=False):
    """labels [C], both [U, C], by_category [U, K], active [U], as nested dictionaries of integers.

    Args:
        maps: Array [N, U, h, w].
        masks: Of the N images.
        thresholds: One a unit.
        mode: Of up-sampling.
        whole_image: The paper's denominator.
        once: A pixel counts once for a label.
    """
    n_units, n_labels = maps.shape[1], len(masks.labels)
    kinds = [masks.categories.index(label.category) for label in masks.labels]
    labels = np.zeros(n_labels, np.int64)
    both = np.zeros((n_units, n_labels), np.int64)
    by_category = np.zeros((n_units, len(masks.categories)), np.int64)
    active = np.zeros(n_units, np.int64)
    height, width = masks.mask_size
    for index in range(len(masks)):
        image = masks.image(index)
        at_pixel = {}
        for y in range(height):
            for x in range(width):
                found = [int(plane[y, x]) for plane in image.planes if plane[y, x] >= 0]
                found += image.scalars
                at_pixel[y, x] = sorted(set(found)) if once else found
                for label in at_pixel[y, x]:
                    labels[label] += 1
        everywhere = {kinds[label] for found in at_pixel.values() for label in found}
        for unit in range(n_units):
            pixels = enlarged(maps[index, unit], (height, width), mode)
            inside = [where for where in at_pixel if np.float64(pixels[where]) > thresholds[unit]]
            active[unit] += len(inside)
            for where in inside:
                for label in at_pixel[where]:
                    both[unit, label] += 1
            seen = {kinds[label] for where in inside for label in at_pixel[where]}
            for kind in everywhere if whole_image else seen:
                by_category[unit, kind] += len(inside)
    return labels, both, by_category, active
