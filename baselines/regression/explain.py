"""Explain units: an elastic net proposes concepts, forward selection chooses among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.regression.elastic_net import GramRows, elastic_net
from baselines.regression.forward import TRIED, correlations, select_forward
from baselines.similarity.inputs import spans

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.regression.concepts import ConceptValues
    from baselines.regression.elastic_net import Penalty
    from baselines.regression.forward import SearchLimits

TOGETHER = 128
"""Units whose elastic nets are fitted at once."""


@dataclass(frozen=True)
class Explanation:
    """Concepts whose weighted sum predicts a unit, by descending share; none for no explanation.

    Attributes:
        concepts: Columns in the table of all concepts, int64 [k].
        weights: Change of the activation for a change of the concept's value by 1 [k].
        shares: Change of the activation for one standard deviation of the concept's value, in
            standard deviations of the activation [k].
        bias: Prediction where no concept is present.
        validation: Correlation of prediction and activation on the images that chose the concepts.
        test: The same on images that decided nothing; NaN where either is constant.
    """

    concepts: NDArray[np.int64]
    weights: NDArray[np.float64]
    shares: NDArray[np.float64]
    bias: float
    validation: float
    test: float


def explain_units(
    values: ConceptValues, activations: Tensor, penalty: Penalty, limits: SearchLimits
) -> list[Explanation]:
    """Explain each unit by few concepts.

    Args:
        values: Values of K concepts on N images, split.
        activations: Finite activations of U units on the same images in the same order,
            float32 [N, U].
        penalty: Penalty of the elastic net, whose concepts are tried by descending weight.
        limits: When forward selection stops.

    Returns:
        U explanations.
    """
    gram, found = GramRows(values), []
    for start, stop in spans(activations.shape[1], TOGETHER):
        targets = activations[:, start:stop].double()
        deviations, means = torch.std_mean(targets[: values.train], dim=0)
        targets = (targets - means) / deviations.where(deviations > 0, 1.0)
        products = values.products(lambda rows, of=targets: of[rows])  # type: ignore[misc]
        weights = elastic_net(products, gram, penalty)
        for unit in range(stop - start):
            scale = float(means[unit]), float(deviations[unit])
            fitted = _explain(
                values, gram, products[unit], weights[unit], targets[:, unit], limits, scale
            )
            found.append(fitted)
    return found


def _explain(
    values: ConceptValues,
    gram: GramRows,
    products: NDArray[np.float64],
    weights: NDArray[np.float64],
    target: Tensor,
    limits: SearchLimits,
    scale: tuple[float, float],
) -> Explanation:
    """Explain one unit of standardised activations; `scale` is their mean and deviation."""
    order = np.argsort(-weights, kind="stable")
    order = order[weights[order] != 0][: TRIED * limits.concepts]
    columns = torch.from_numpy(order).to(target.device)
    held = slice(values.train, None)
    concepts = values.standardised(held, columns).cpu().numpy()
    held_target = target[held].cpu().numpy()
    v = values.validation
    fit = select_forward(gram.block(order), products[order], concepts[:v], held_target[:v], limits)
    by_share = np.argsort(-fit.weights, kind="stable")
    chosen = np.array(fit.chosen, np.int64)[by_share]
    shares, at = fit.weights[by_share], columns[torch.from_numpy(chosen)]
    mean, deviation = scale
    raw = deviation * shares / values.deviations[at].cpu().numpy()
    prediction = concepts[v:, chosen] @ shares
    return Explanation(
        concepts=values.places[at].cpu().numpy(),
        weights=raw,
        shares=shares,
        bias=mean - float(raw @ values.means[at].cpu().numpy()),
        validation=fit.correlation if chosen.size else np.nan,
        test=float(correlations(prediction[:, None], held_target[v:])[0]),
    )
