"""Candidate labels that an encoder cannot tell apart, or does not read to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TOLERANCE = 1e-5
"""Distance of unit-length embeddings below which they are equal: the rest is rounding."""

_SHOWN, _LETTERS = 3, 24


def equal_rows(table: NDArray[np.floating]) -> list[list[int]]:
    """Return the groups of rows that are equal once they have unit length.

    Args:
        table: Embeddings [C, D].

    Returns:
        Ascending row numbers, at least two a group; groups by their first row.
    """
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    unit = table.astype(np.float64) / np.where(norms > 0, norms, 1)
    # Equal rows are neighbours in their projection on any direction; few others are as near.
    direction = np.random.default_rng(0).standard_normal(table.shape[1])
    along = unit @ (direction / np.linalg.norm(direction))
    order = np.argsort(along, kind="stable")
    ends = np.flatnonzero(np.diff(along[order]) > TOLERANCE) + 1
    found = []
    for run in np.split(order, ends):
        left = np.sort(run)
        while left.size > 1:
            same = np.linalg.norm(unit[left] - unit[left[0]], axis=1) <= TOLERANCE
            if same.sum() > 1:
                found.append(left[same].tolist())
            left = left[~same]
    return sorted(found)


def describe_alike(
    labels: Sequence[str], table: NDArray[np.floating], cut: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """Say which candidate labels are cut, and which embed equally.

    Args:
        labels: The C candidate labels.
        table: Their embeddings [C, D].
        cut: {"tokens": how many the text tower reads, "labels": positions of those with more};
            None where that is not known.

    Returns:
        Sentences for a reader of the record; none where all labels are read and told apart.
    """
    told = []
    if cut and cut["labels"]:
        n, names = len(cut["labels"]), [_shortened(labels[place]) for place in cut["labels"]]
        told.append(
            f"{n:,} candidate {'label is' if n == 1 else 'labels are'} cut at the {cut['tokens']} "
            f"tokens that the text tower reads: {_listed(names)}"
        )
    groups = equal_rows(table)
    if groups:
        names = [" = ".join(_shortened(labels[place]) for place in group) for group in groups]
        told.append(
            f"{sum(map(len, groups)):,} candidate labels embed equally, so that the first in the "
            f"file wins: {_listed(names)}"
        )
    return tuple(told)


def _shortened(label: str) -> str:
    if len(label) <= 2 * _LETTERS:
        return repr(label)
    return repr(f"{label[:_LETTERS]}…{label[-_LETTERS:]}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return "; ".join(names[:_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
