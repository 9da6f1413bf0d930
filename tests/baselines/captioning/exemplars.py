"""Exemplars in memory, which remember what they were asked for."""

from __future__ import annotations

import numpy as np


class ArrayExemplars:
    def __init__(self, ids, masks, pool):
        self.ids = np.asarray(ids, np.int64)
        self.activations = np.where(self.ids < 0, np.nan, 1.0).astype(np.float32)
        self.all_masks = np.asarray(masks, bool)
        self.pool = pool
        self.images_seen, self.masks_seen = [], []

    @property
    def size(self):
        return self.pool.shape[1]

    def masks(self, unit):
        self.masks_seen.append(unit)
        return self.all_masks[unit]

    def images(self, ids):
        self.images_seen += list(ids)
        return self.pool[list(ids)]


def random_exemplars(size, units=5, k=5, images=11, seed=0):
    """The last unit is dead; unit 4's second mask is empty."""
    random = np.random.default_rng(seed)
    ids = np.stack([random.permutation(images)[:k] for _ in range(units)])
    ids = np.concatenate([ids, np.full((1, k), -1)])
    masks = random.random((units + 1, k, size, size)) > 0.7
    masks[4, 1] = False
    masks[units] = False
    return ArrayExemplars(ids, masks, random.integers(0, 256, (images, size, size, 3), np.uint8))
