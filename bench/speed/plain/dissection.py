"""Compute Network Dissection's tally in a plain loop over images and units.

Written from the paper (Bau et al., CVPR 2017, section 2), as fast as the published loops: resize a
unit's map with Pillow, compare it with the threshold, and count the labels under its mask with
`bincount`. Skip units that are inactive in an image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from baselines.dissection.planes import label_categories
from baselines.dissection.tally import Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.spatial import Maps, Masks


def plain_thresholds(maps: Maps, level: float) -> NDArray[np.float64]:
    """Return a quantile of all values of each unit, from all maps at once."""
    values = np.concatenate([batch.cpu().numpy() for batch in maps.batches()])
    columns = values.transpose(1, 0, 2, 3).reshape(maps.n_units, -1).astype(np.float64)
    result: NDArray[np.float64] = np.quantile(columns, level, axis=1, method="hazen")
    return result


def plain_tally(maps: Maps, masks: Masks, thresholds: NDArray[np.float64]) -> Tally:
    """Count overlaps, one image and unit after the other."""
    category = label_categories(masks)
    n_units, n_labels, (height, width) = maps.n_units, len(category), masks.mask_size
    labels, both = np.zeros(n_labels, np.int64), np.zeros((n_units, n_labels), np.int64)
    by_category = np.zeros((n_units, len(masks.categories)), np.int64)
    active = np.zeros(n_units, np.int64)
    all_maps = (each for batch in maps.batches() for each in batch.cpu().numpy())
    for index, values in enumerate(all_maps):
        image = masks.image(index)
        planes = image.planes.reshape(len(image.planes), -1) + 1
        scalars = np.array(image.scalars, dtype=np.int64)
        labels += np.bincount(planes.ravel(), minlength=n_labels + 1)[1:]
        labels[scalars] += height * width
        for unit in np.flatnonzero(values.max(axis=(1, 2)) > thresholds):
            small = Image.fromarray(values[unit])
            enlarged = small.resize((width, height), Image.Resampling.BILINEAR)
            mask = (np.asarray(enlarged) > thresholds[unit]).ravel()
            area = int(mask.sum())
            found = np.bincount(planes[:, mask].ravel(), minlength=n_labels + 1)[1:]
            found[scalars] += area
            both[unit] += found
            by_category[unit, np.unique(category[found > 0])] += area
            active[unit] += area
    return Tally(labels, both, by_category, active, maps.n_images * height * width)
