"""Search formulas plainly: run-length masks, merged candidate by candidate.

A mask of the whole dataset is the list of its runs along the rows of all images, stacked: their
starts and ends, ascending, int64 [2 * runs]. Each candidate formula is a merge of two such lists
and each IoU another, for every label and operator. The loops are compiled, so that the benchmark
compares the algorithm and not Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.spatial import Masks

    Runs = NDArray[np.int64]

OR, AND, AND_NOT = 0, 1, 2
NAMES = ("({} OR {})", "({} AND {})", "({} AND (NOT {}))")


class Entry(NamedTuple):
    """A formula of the beam: its text (label 12 as "l12"), runs, and IoU with the unit."""

    words: str
    runs: Runs
    score: float


def encode(masks: Masks) -> list[Runs]:
    """Return the runs of every label.

    Raises:
        ValueError: A label is in two planes of an image.
    """
    area = masks.mask_size[0] * masks.mask_size[1]
    found: list[list[Runs]] = [[np.zeros(0, np.int64)] for _ in masks.labels]
    for index in range(len(masks)):
        image, offset = masks.image(index), index * area
        for plane in image.planes:
            values = plane.ravel()
            edges = np.flatnonzero(np.diff(values, prepend=-2, append=-2))
            labels = values[edges[:-1]]
            bounds = np.stack([edges[:-1], edges[1:]], axis=1) + offset
            for label in np.unique(labels[labels >= 0]):
                found[label].append(bounds[labels == label].ravel())
        for label in image.scalars:
            found[label].append(np.array([offset, offset + area]))
    return [_join(np.concatenate(pieces)) for pieces in found]


def encode_mask(mask: NDArray[np.bool_]) -> Runs:
    """Return the runs of a mask over all images, bool [pixels]."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).astype(np.int64)


def _join(runs: Runs) -> Runs:
    """Merge runs that touch."""
    if (np.diff(runs) < 0).any():
        raise ValueError("a label is in two planes of one image")
    touch = np.flatnonzero(runs[1:-1:2] == runs[2::2])
    return np.delete(runs, np.concatenate([2 * touch + 1, 2 * touch + 2]))


def search(labels: Sequence[Runs], unit: Runs, beam: int = 5, max_length: int = 3) -> list[Entry]:
    """Run the published search: duplicates stay, and the first candidate wins ties."""
    singles = [Entry(f"l{number}", runs, iou(runs, unit)) for number, runs in enumerate(labels)]
    best = sorted((entry for entry in singles if entry.score > 0), key=lambda each: -each.score)
    best = best[:beam]
    for _ in range(max_length - 1):
        # Keep labels and operators: the masks of all candidates do not fit into memory.
        pool = [(entry.score, entry, -1, OR) for entry in best] + [
            (iou(merge(entry.runs, runs, operator), unit), entry, number, operator)
            for entry in best
            for number, runs in enumerate(labels)
            for operator in (OR, AND, AND_NOT)
        ]
        pool.sort(key=lambda row: -row[0])
        best = [
            entry
            if number < 0
            else Entry(
                NAMES[operator].format(entry.words, f"l{number}"),
                merge(entry.runs, labels[number], operator),
                score,
            )
            for score, entry, number, operator in pool[:beam]
        ]
    return best


@numba.njit(cache=True, nogil=True)
def merge(a: Runs, b: Runs, operator: int) -> Runs:
    """Return the runs of a OR b, a AND b, or a AND NOT b."""
    out = np.empty(a.size + b.size, np.int64)
    n, i, j = 0, 0, 0
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
        if now != (n % 2 == 1):
            out[n] = place
            n += 1
    return out[:n].copy()


@numba.njit(cache=True, nogil=True)
def iou(a: Runs, b: Runs) -> float:
    """Return the intersection over union of two masks."""
    common, i, j = 0, 0, 0
    while i < a.size and j < b.size:
        common += max(0, min(a[i + 1], b[j + 1]) - max(a[i], b[j]))
        if a[i + 1] < b[j + 1]:
            i += 2
        else:
            j += 2
    sizes = (a[1::2] - a[::2]).sum() + (b[1::2] - b[::2]).sum()
    return float(common / (sizes - common + 1e-10))
