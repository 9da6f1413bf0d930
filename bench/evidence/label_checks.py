"""Notes about candidate labels that an encoder truncates, or whose embeddings are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TOLERANCE = 1e-5
"""Distance of unit-length embeddings up to which they are equal except for rounding."""

_MAX_LISTED, _MAX_LETTERS = 3, 24


def equal_rows(table: NDArray[np.floating]) -> list[list[int]]:
    """Return the groups of rows that are equal after normalisation to unit length.

    Args:
        table: Embeddings [C, D].

    Returns:
        Ascending row numbers, at least two in a group; groups in the order of their first row.
    """
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    unit = table.astype(np.float64) / np.where(norms > 0, norms, 1)
    # Equal rows are neighbours in the projection on any direction; few other rows are as near.
    direction = np.random.default_rng(0).standard_normal(table.shape[1])
    along = unit @ (direction / np.linalg.norm(direction))
    order = np.argsort(along, kind="stable")
    ends = np.flatnonzero(np.diff(along[order]) > TOLERANCE) + 1
    groups = []
    for run in np.split(order, ends):
        left = np.sort(run)
        while left.size > 1:
            same = np.linalg.norm(unit[left] - unit[left[0]], axis=1) <= TOLERANCE
            if same.sum() > 1:
                groups.append(left[same].tolist())
            left = left[~same]
    return sorted(groups)


def check_labels(
    labels: Sequence[str], table: NDArray[np.floating], cut: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """Say which candidate labels are truncated, and which have equal embeddings.

    Args:
        labels: The C candidate labels.
        table: Their embeddings [C, D].
        cut: {"tokens": the most that the text tower reads, "labels": positions of labels with
            more}; None where that is not known.

    Returns:
        Sentences for a reader of the record; none where no label is truncated or equal to another.
    """
    notes = []
    if cut and cut["labels"]:
        n, names = len(cut["labels"]), [_shorten(labels[place]) for place in cut["labels"]]
        notes.append(
            f"{n:,} candidate {'label is' if n == 1 else 'labels are'} cut at the {cut['tokens']} "
            f"tokens that the text tower reads: {_join(names)}"
        )
    groups = equal_rows(table)
    if groups:
        names = [" = ".join(_shorten(labels[place]) for place in group) for group in groups]
        notes.append(
            f"{sum(map(len, groups)):,} candidate labels embed equally, so that the first in the "
            f"file wins: {_join(names)}"
        )
    return tuple(notes)


def _shorten(label: str) -> str:
    if len(label) <= 2 * _MAX_LETTERS:
        return repr(label)
    return repr(f"{label[:_MAX_LETTERS]}…{label[-_MAX_LETTERS:]}")


def _join(names: Sequence[str]) -> str:
    more = len(names) - _MAX_LISTED
    return "; ".join(names[:_MAX_LISTED]) + (f"; and {more:,} more" if more > 0 else "")
