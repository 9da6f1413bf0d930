"""Order values with a rule for ties, and by pointwise mutual information."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def first_best(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest values of each row; ties by position.

    Args:
        values: Values [B, N], without NaN. The order of several -inf is undefined.
        k: Number of values, clamped to N.

    Returns:
        Values [B, k], descending, and their positions, int64 [B, k].
    """
    best, index = values.topk(min(k, values.shape[1]), dim=1)
    last = best[:, -1:]
    # topk chooses among equal values arbitrarily: fix rows where it left some out.
    torn = (values == last).sum(dim=1) > (best == last).sum(dim=1)
    rows = (torn & (last.squeeze(1) > -torch.inf)).nonzero().squeeze(1)
    if len(rows):
        order = values[rows].sort(dim=1, descending=True, stable=True).indices
        index[rows] = order[:, : index.shape[1]]
    index = index.sort(dim=1).values
    best, order = values.gather(1, index).sort(dim=1, descending=True, stable=True)
    return best, index.gather(1, order)


def pmi_order(log_p: Tensor, log_prior: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """Order sentences by log p(s | v) - weight * log p(s) (MILAN, equation 3).

    Args:
        log_p: log p(s | v), [..., n].
        log_prior: log p(s), [..., n].
        weight: Weight lambda; 0 ignores log p(s), even if infinite.

    Returns:
        Scores, descending, and the order, int64; ties keep their order.
    """
    scores = log_p - weight * log_prior if weight else log_p
    ordered = scores.sort(dim=-1, descending=True, stable=True)
    return ordered.values, ordered.indices
