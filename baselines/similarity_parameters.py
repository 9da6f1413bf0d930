"""Names and parameters of the similarity functions of CLIP-Dissect.

This module does not import torch, so that configurations are checked quickly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Baseline = Literal["exact", "official"]

# The order of the paper's Table 3 (Oikarinen and Weng, ICLR 2023), best first.
PARAMETERS: Mapping[str, Mapping[str, float | str]] = {
    "soft_wpmi": {
        "top_k": 100,
        "a": 10.0,
        "lam": 1.0,
        "p_start": 0.998,
        "p_end": 0.97,
        "min_prob": 1e-7,
    },
    "wpmi": {"top_k": 28, "a": 2.0, "lam": 0.6, "min_prob": 1e-7},
    "rank_reorder": {"p": 3.0, "top_fraction": 0.05, "scale_p": 0.5, "baseline": "exact"},
    "cos_similarity": {},
    "cos_similarity_cubed": {"min_norm": 1e-3},
}
SIMILARITIES: tuple[str, ...] = tuple(PARAMETERS)


def check_parameter(name: str, value: object) -> None:
    """Check the value of a parameter, which means the same in every similarity function.

    Raises:
        ValueError: The value is of the wrong type or outside the parameter's range.
    """
    if name == "baseline":
        legal, wanted = value in ("exact", "official"), "'exact' or 'official'"
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        legal, wanted = False, "a finite number"
    elif name == "top_k":
        legal, wanted = isinstance(value, int) and value >= 1, "an integer of at least 1"
    elif name in ("p_start", "p_end"):
        legal, wanted = 0 <= value <= 1, "a probability in [0, 1]"
    elif name == "top_fraction":
        legal, wanted = 0 < value <= 1, "a share in (0, 1]"
    elif name in ("p", "min_prob", "min_norm"):
        legal, wanted = value > 0, "a number above 0"
    elif name == "scale_p":
        legal, wanted = value >= 0, "a number of at least 0"
    else:  # a, lam: any finite number
        legal, wanted = True, ""
    if not legal:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")


def check_parameters(**parameters: object) -> None:
    """Check several parameters by name."""
    for name, value in parameters.items():
        check_parameter(name, value)


def effective_top_k(n_images: int, top_k: int) -> int:
    """Return the number of top images of (soft_)wpmi: top_k, at most all images."""
    return min(top_k, n_images)


def effective_top_n(n_images: int, top_fraction: float) -> int:
    """Return the number of top images of rank_reorder: floor(N * top_fraction), at least 1.

    A single image has no order, so rank_reorder defines no score at n = 1.
    """
    return max(1, int(n_images * top_fraction))
