"""`nearest_name`: which true name of the layer is nearest to a label, by sentence embedding.

It applies to concept words and sentences alike: the layer's names are the only candidates, so the
style of a sentence costs nothing. A model judges nevertheless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.labels import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrics.truth import TrueName

Indices = NDArray[np.int64]

TIE = 1e-6
"""Cosines that differ by less are equal: float32 rounding depends on the batch."""

_TILE_FLOATS = 4_000_000


def distinct_names(truths: Sequence[TrueName]) -> dict[str, tuple[str, ...]]:
    """Return the strings (published name and synonyms) of each different true name.

    Units whose published names are equal after normalisation share one name.
    """
    found: dict[str, dict[str, None]] = {}
    for truth in truths:
        strings = found.setdefault(normalise(truth.name), {})
        strings.update(dict.fromkeys((truth.name, *truth.synonyms)))
    return {key: tuple(strings) for key, strings in found.items()}


def nearest_names(
    labels: NDArray[np.float32], strings: NDArray[np.float32], names: Sequence[Indices]
) -> Indices:
    """Return the name nearest to each label, by the best cosine over the name's strings.

    Args:
        labels: Unit-norm vectors of V labels, float32 [V, D].
        strings: Unit-norm vectors of S different strings, float32 [S, D].
        names: Positions in `strings` for each of G names, at least one each; a string may
            belong to several.

    Returns:
        A name for each label, int64 [V]; -1 where two names are equally near.
    """
    order = np.concatenate(names)
    starts = np.cumsum([0, *(len(own) for own in names)])[:-1]
    nearest = np.full(len(labels), -1, dtype=np.int64)
    step = max(1, _TILE_FLOATS // max(1, order.size))
    for first in range(0, len(labels), step):
        # Each string is multiplied once, so a string of two names is equally near to both.
        cosines = labels[first : first + step] @ strings.T
        best = np.maximum.reduceat(cosines[:, order], starts, axis=1)
        winner = best.argmax(axis=1)
        top = np.take_along_axis(best, winner[:, None], axis=1)
        unique = (best > top - TIE).sum(axis=1) == 1
        nearest[first : first + step] = np.where(unique, winner, -1)
    return nearest


def nearest_hits(
    truths: Sequence[TrueName],
    layer: Sequence[TrueName],
    place: Mapping[str, int],
    labels: NDArray[np.float32],
    strings: NDArray[np.float32],
) -> list[Indices]:
    """Return for each unit the labels whose nearest name is its own.

    Args:
        truths: True names of R units.
        layer: All true names of the layer, the candidates.
        place: Position of each string in `strings`.
        labels: Unit-norm vectors of V labels, float32 [V, D].
        strings: Unit-norm vectors of the strings, float32 [S, D].

    Returns:
        For each unit ascending indices of labels.
    """
    names = distinct_names(layer)
    where = [np.array([place[text] for text in texts], dtype=np.int64) for texts in names.values()]
    nearest = nearest_names(labels, strings, where)
    own = {key: np.flatnonzero(nearest == number) for number, key in enumerate(names)}
    return [own[normalise(truth.name)] for truth in truths]
