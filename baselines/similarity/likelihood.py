"""Sums of logarithms over each unit's top images, in blocks of images.

Only images in some unit's top K are expanded to concepts, one block at a time, so that neither
images x concepts nor top images x concepts is ever stored.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from baselines.similarity.inputs import spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from baselines.similarity.kernels.pointwise import Entries
    from baselines.similarity.sources import ConceptScores

_BLOCK_ROWS = 2048
_BLOCK = 2**25  # elements of a block, images x concepts: 128 MiB in float32
_SLICE = 2**18  # elements that are exponentiated together: 2 MiB in float64, within the cache
_EXPONENT = 300.0  # products are kept above 1e-300


def log_likelihood(
    source: ConceptScores, images: Tensor, membership: Sequence[float], a: float, min_prob: float
) -> Tensor:
    """Compute L[u, c] = sum_k ln((1 - p_k) + p_k P[images[k, u], c] + min_prob) on the CPU.

    P is the softmax of a S over the concepts. A single logarithm is taken of a product of as many
    factors as cannot underflow float64.

    Args:
        source: Scores S of N images and C concepts.
        images: Top images of each unit, int64 [K, U].
        membership: Memberships p_k, K of them.
        a: Inverse temperature of the softmax.
        min_prob: Added inside the logarithm, above 0.

    Returns:
        L, float64 [U, C].
    """
    from baselines.similarity.kernels.pointwise import multiply_factors
    from baselines.threads import torch_threads

    rows, places = torch.unique(images, return_inverse=True)
    step = max(1, min(_BLOCK_ROWS, _BLOCK // source.n_concepts))
    group = group_size(membership, min_prob)
    n_units = images.shape[1]
    products = np.ones((n_units, source.n_concepts))
    logs = np.zeros_like(products) if len(membership) > group else np.zeros((0, 0))
    blocks = _entries(places.numpy(), membership, len(rows), step, group)
    # Reuse one block's memory: fresh pages cost more than the computation.
    held = torch.empty((min(step, len(rows)), source.n_concepts), dtype=source.dtype)
    with torch_threads():
        for (start, stop), entries in zip(spans(len(rows), step), blocks, strict=True):
            scores = source.tile(rows[start:stop], 0, source.n_concepts, held[: stop - start])
            block = _softmax(scores, a)
            multiply_factors(products, logs, block.numpy(), entries, min_prob)
    total = torch.from_numpy(products).log_()
    return total.add_(torch.from_numpy(logs)) if logs.size else total


def group_size(membership: Sequence[float], min_prob: float) -> int:
    """Return how many factors a product can hold before it may underflow."""
    smallest = 1.0 - max(membership) + min_prob
    return len(membership) if smallest >= 1 else max(1, int(_EXPONENT / -math.log10(smallest)))


def _entries(
    places: NDArray[np.int64], membership: Sequence[float], n_rows: int, step: int, group: int
) -> Iterator[Entries]:
    """Sort all (k, unit) pairs by block, then unit, then image."""
    from baselines.similarity.kernels.pointwise import Entries

    depth, n_units = places.shape
    units = np.tile(np.arange(n_units), depth)
    flat = places.ravel()
    slopes = np.repeat(np.asarray(membership, dtype=np.float64), n_units)
    # Number the entries of each unit by image.
    order = np.lexsort((flat, units))
    nth = np.empty(flat.size, dtype=np.int64)
    nth[order] = np.tile(np.arange(depth), n_units)
    flush = (nth + 1) % group == 0 if depth > group else np.zeros(flat.size, dtype=np.bool_)
    block = flat // step
    order = np.lexsort((flat, units, block))
    bounds = np.searchsorted(block[order], np.arange(-(-n_rows // step) + 1))
    for start, stop in pairwise(bounds):
        part = order[start:stop]
        yield Entries(
            first=np.searchsorted(units[part], np.arange(n_units + 1)),
            rows=flat[part] % step,
            slopes=slopes[part],
            flush=flush[part],
        )


def _softmax(scores: Tensor, a: float) -> Tensor:
    """Return the softmax of a S, computed in float64, stored as float32 unless S is float64.

    A few rows are exponentiated at a time: a whole block in float64 exceeds all caches.
    """
    kept = scores if scores.dtype == torch.float64 else scores.float()
    for start, stop in spans(len(kept), max(1, _SLICE // kept.shape[1])):
        exact = kept[start:stop].double().mul_(a)
        kept[start:stop] = torch.softmax(exact, dim=1)
    return kept.contiguous()
