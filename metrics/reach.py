"""Whether a concept set holds the true names of units, so that a method can choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.labels import normalise
from metrics.lexical import SYNONYM_CREDIT, lexical_credits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from metrics.truth import TrueName

EXACT, SYNONYM, NONE = "exact", "synonym", "none"
"""Values of the column `reach`; "" where there is no concept set."""

REACHABLE = "reachable"
"""Group of the units whose true name is in the concept set in some form."""


def find_reach(truths: Sequence[TrueName], concepts: Sequence[str]) -> list[str]:
    """Return how a concept set holds each true name.

    Args:
        truths: The true names of R units.
        concepts: The C candidate labels.

    Returns:
        For each unit "exact" for the name as published or the first name in it, "synonym" for
        another accepted name or an inflection (what earns 1 in `lexical_match`), or "none".
    """
    words = set(map(normalise, concepts))
    return [
        EXACT
        if words & {normalise(truth.name), normalise(truth.synonyms[0])}
        else SYNONYM
        if (credits == SYNONYM_CREDIT).any()
        else NONE
        for truth, (_, credits) in zip(truths, lexical_credits(truths, concepts), strict=True)
    ]


def is_reachable(reach: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each unit's true name is in the concept set in some form."""
    return np.isin(np.asarray(reach, dtype=object), (EXACT, SYNONYM))
