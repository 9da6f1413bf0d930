"""Search formulas plainly: run-length masks, merged candidate by candidate.

A mask of the whole dataset is the list of its runs along the rows of all images, stacked. Each
candidate formula is a merge of two such lists and each IoU another, for every label and operator.
The loops are compiled, so that the benchmark compares the algorithm and not Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from baselines.spatial import Masks

OR, AND, AND_NOT = 0, 1, 2
NAMES = ("({} OR {})", "({} AND {})", "({} AND (NOT {}))")


@dataclass(frozen=True)
class Entry:
    """A formula of the beam.

    Attributes:
        words: Text of the formula, label 12 as "l12".
        length: Length of the formula.
        runs: Starts and ends of the mask's runs, ascending, int64 [2 * runs].
        score: IoU with the unit.
    """

    words: str
    length: int
    runs: NDArray[np.int64]
    score: float


def encode(masks: Masks) -> list[NDArray[np.int64]]:
    """Return the runs of every label; no label may be in two planes of an image.

    Raises:
        ValueError: A label is in two planes of an image.
    """
    area = masks.mask_size[0] * masks.mask_size[1]
    found: list[list[NDArray[np.int64]]] = [[] for _ in masks.labels]
    for index in range(len(masks)):
        image, offset = masks.image(index), index * area
        for plane in image.planes:
            values = plane.ravel()
            edges = np.flatnonzero(np.diff(values, prepend=-2, append=-2))
            labels = values[edges[:-1]]
            order = np.argsort(labels, kind="stable")
            bounds = np.stack([edges[:-1], edges[1:]], axis=1)[order] + offset
            present, first = np.unique(labels[order], return_index=True)
            pieces = np.split(bounds, first[1:])
            for label, piece in zip(present.tolist(), pieces, strict=True):
                if label >= 0:
                    found[label].append(piece.ravel().astype(np.int64))
        for label in image.scalars:
            found[label].append(np.array([offset, offset + area], np.int64))
    return [_concatenate(pieces) for pieces in found]


def encode_mask(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the runs of a mask over all images, bool [pixels]."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).astype(np.int64)


def _concatenate(pieces: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Concatenate runs; merge those that touch."""
    runs = np.concatenate([np.zeros(0, np.int64), *pieces])
    if (np.diff(runs) < 0).any():
        raise ValueError("a label is in two planes of one image")
    touch = np.flatnonzero(runs[1:-1:2] == runs[2::2])
    return np.delete(runs, np.concatenate([2 * touch + 1, 2 * touch + 2]))


def search(
    labels: Sequence[NDArray[np.int64]],
    unit: NDArray[np.int64],
    *,
    beam: int = 5,
    max_length: int = 3,
) -> list[Entry]:
    """Run the published search: duplicates stay, and the first candidate wins ties."""
    kept = [Entry(f"l{number}", 1, runs, iou(runs, unit)) for number, runs in enumerate(labels)]
    kept = sorted((entry for entry in kept if entry.score > 0), key=lambda entry: -entry.score)
    kept = kept[:beam]
    for _ in range(max_length - 1):
        pool = [(entry.score, entry, -1, -1) for entry in kept]
        pool += [row for entry in kept for row in extensions(entry, labels, unit)]
        pool.sort(key=lambda row: -row[0])
        kept = [_extend(*row, labels) for row in pool[:beam]]
    return kept


def extensions(
    entry: Entry, labels: Sequence[NDArray[np.int64]], unit: NDArray[np.int64]
) -> Iterator[tuple[float, Entry, int, int]]:
    """Yield the score of each extension of a formula, by each label and operator."""
    for number, runs in enumerate(labels):
        for operator in (OR, AND, AND_NOT):
            yield iou(merge(entry.runs, runs, operator), unit), entry, number, operator


def _extend(
    score: float, entry: Entry, label: int, operator: int, labels: Sequence[NDArray[np.int64]]
) -> Entry:
    if operator < 0:
        return entry
    words = NAMES[operator].format(entry.words, f"l{label}")
    runs = merge(entry.runs, labels[label], operator)
    return Entry(words, entry.length + 1 + (operator == AND_NOT), runs, score)


@numba.njit(cache=True, nogil=True)
def merge(a: NDArray[np.int64], b: NDArray[np.int64], operator: int) -> NDArray[np.int64]:
    """Return the runs of a OR b, a AND b, or a AND NOT b."""
    out = np.empty(a.size + b.size, np.int64)
    n, i, j = 0, 0, 0
    inside = False
    while i < a.size or j < b.size:
        from_a = j >= b.size or (i < a.size and a[i] <= b[j])
        place = a[i] if from_a else b[j]
        while i < a.size and a[i] == place:
            i += 1
        while j < b.size and b[j] == place:
            j += 1
        in_a, in_b = i % 2 == 1, j % 2 == 1  # inside a run after an odd number of edges
        if operator == OR:
            now = in_a or in_b
        elif operator == AND:
            now = in_a and in_b
        else:
            now = in_a and not in_b
        if now != inside:
            out[n] = place
            n += 1
            inside = now
    return out[:n].copy()


@numba.njit(cache=True, nogil=True)
def iou(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Return the intersection over union of two masks."""
    size_a, size_b, common = 0, 0, 0
    for i in range(0, a.size, 2):
        size_a += a[i + 1] - a[i]
    for j in range(0, b.size, 2):
        size_b += b[j + 1] - b[j]
    i, j = 0, 0
    while i < a.size and j < b.size:
        common += max(0, min(a[i + 1], b[j + 1]) - max(a[i], b[j]))
        if a[i + 1] < b[j + 1]:
            i += 2
        else:
            j += 2
    return common / (size_a + size_b - common + 1e-10)
