"""Exemplars made of arrays, for tests of what reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MadeExemplars:
    """U units with K of N images each; unit `dead` has none."""

    table: np.ndarray  # uint8 [N, S, S, 3]
    ids: np.ndarray  # [U, K]
    made_masks: np.ndarray  # bool [U, K, S, S]

    @property
    def activations(self):
        return np.full(self.ids.shape, np.nan, dtype=np.float32)

    @property
    def size(self):
        return self.table.shape[1]

    def masks(self, unit):
        return self.made_masks[unit]

    def images(self, ids):
        assert min(ids) >= 0
        return self.table[list(ids)]


def make_exemplars(seed=0, units=4, k=3, n=6, size=16, dead=()):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)
    ids = np.stack([rng.permutation(n)[:k] for _ in range(units)]).astype(np.int64)
    masks = np.zeros((units, k, size, size), dtype=bool)
    for unit in range(units):
        for at in range(k):
            top, left = rng.integers(0, size - 5, 2)
            masks[unit, at, top : top + 5, left : left + 4] = True
    for unit in dead:
        ids[unit], masks[unit] = -1, False
    return MadeExemplars(table, ids, masks)
