"""Agreement of labels with units: the activations that a label predicts, against the real ones.

A label says on which images a unit is active: on those that show its concept. Each function
compares the activations of U units with the presence of C concepts on the same N images, and
returns a score for every pair, float64 [U, C]. Names and formulas are those of Oikarinen, Yan &
Weng, "Evaluating Neuron Explanations: A Unified Framework with Sanity Checks", ICML 2025, where
the concept predicts the unit: "inverse" metrics predict the concept from the unit instead.

Differences from the published code: ties share their mean rank, in place of an order by position;
a correlation is not scaled by (N - 1) / N; the least activation of a unit is never active; a score
that its formula leaves undefined (a constant unit, a class without members) is NaN; the harmonic
mean of 0 and 0 is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metrics.numeric import average_precision, ratio
from metrics.observations import Observations

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from metrics.numeric import Floats

LEAST_PRESENCE = 1e-8
"""Bound of presences inside the logarithm of `wpmi`."""
DRAWN = 25
"""Images from each of the two halves of a top-and-random sample."""


# ---- both sides as zeros and ones


def recall(o: Observations) -> Floats:
    """Return the share of active images that show the concept."""
    return ratio(o.n_both, o.n_active)


def precision(o: Observations) -> Floats:
    """Return the share of images with the concept that are active; 0 for a concept without any."""
    return o.n_both / np.maximum(o.n_present, 1)


def f1(o: Observations) -> Floats:
    """Return the harmonic mean of recall and precision."""
    return ratio(2 * o.n_both, o.n_active + o.n_present)


def iou(o: Observations) -> Floats:
    """Return the intersection of active images and those with the concept over their union."""
    return ratio(o.n_both, o.n_active + o.n_present - o.n_both)


def accuracy(o: Observations) -> Floats:
    """Return the share of images that are active with the concept or inactive without it."""
    return (o.n_both + o.n_neither) / o.total


def balanced_accuracy(o: Observations) -> Floats:
    """Return the mean of the accuracies over active and over inactive images."""
    inactive = np.maximum(o.total - o.n_active, 1)
    return (o.n_both / np.maximum(o.n_active, 1) + o.n_neither / inactive) / 2


def inverse_balanced_accuracy(o: Observations) -> Floats:
    """Return the mean of the accuracies over images with and over images without the concept."""
    absent = np.maximum(o.total - o.n_present, 1)
    return (o.n_both / np.maximum(o.n_present, 1) + o.n_neither / absent) / 2


# ---- one side ranks the other


def auc(o: Observations) -> Floats:
    """Return the area under the ROC curve of presence as a predictor of active images."""
    return _auc(o.c_ranks, o.active, o.w)


def inverse_auc(o: Observations) -> Floats:
    """Return the area under the ROC curve of activations as a predictor of the concept."""
    return _auc(o.a_ranks, o.present, o.w).T


def _auc(ranks: Floats, marks: Floats, w: Floats) -> Floats:
    """Return areas [B, A] of ranks [N, A] as predictors of marks [N, B] (`metrics.numeric`)."""
    positive = marks.T @ w
    above = marks.T @ (w * ranks) - positive * (positive + 1) / 2
    return ratio(above, positive * (w.sum() - positive))


def auprc(o: Observations) -> Floats:
    """Return the average precision of presence as a predictor of active images."""
    return average_precision(o.c, o.active, o.w)


def inverse_auprc(o: Observations) -> Floats:
    """Return the average precision of activations as a predictor of the concept."""
    return average_precision(o.a, o.present, o.w).T


# ---- values of both sides


def correlation(o: Observations) -> Floats:
    """Return Pearson's correlation of activations and presence."""
    return _pearson(o.a, o.c, o.w)


def spearman(o: Observations) -> Floats:
    """Return the correlation of midranks."""
    return _pearson(o.a_ranks, o.c_ranks, o.w)


def correlation_top_and_random(o: Observations) -> Floats:
    """Return the correlation on 25 random active images and 25 random ones of all, by unit."""
    return _top_and_random(o, correlation)


def spearman_top_and_random(o: Observations) -> Floats:
    """Return the correlation of midranks on the same sample."""
    return _top_and_random(o, spearman)


def cosine(o: Observations) -> Floats:
    """Return the cosine of activations and presence, without centring; 0 for an absent concept."""
    a, c = (np.sqrt((o.w * x**2).sum(axis=0)) for x in (o.a, o.c))
    return _cosine(o.a.T @ (o.w * o.c), a, c)


def wpmi(o: Observations, penalty: float = 1.0) -> Floats:
    """Return the weighted pointwise mutual information of active images and the concept.

    mean over active images of ln max(c, 1e-8) - penalty * ln(mean c), in nats.
    """
    likelihood = o.active.T @ (o.w * np.log(np.maximum(o.c, LEAST_PRESENCE)))
    mean = o.w.T @ o.c / o.total
    prior = np.log(mean, out=np.full_like(mean, np.nan), where=mean > 0)
    return likelihood / np.maximum(o.n_active, 1) - penalty * prior


def mad(o: Observations) -> Floats:
    """Return the mean activation with the concept minus the mean without it."""
    weighted = o.w * o.a
    absent = ratio(weighted.T @ (1 - o.present), o.total - o.n_present)
    return ratio(weighted.T @ o.present, o.n_present) - absent


def _pearson(x: Floats, y: Floats, w: Floats) -> Floats:
    """Return correlations [U, C] of units [N, U] and concepts [N, C]; 0 for a constant concept."""
    x, y = (
        np.where(np.ptp(v, axis=0) == 0, 0.0, v - (w * v).sum(axis=0) / w.sum()) for v in (x, y)
    )
    return _cosine(x.T @ (w * y), *(np.sqrt((w * v**2).sum(axis=0)) for v in (x, y)))


def _cosine(product: Floats, a: Floats, c: Floats) -> Floats:
    """Return products [U, C] over norms of units [U] and concepts [C]; 0 where only c is 0."""
    found = np.clip(ratio(product, np.outer(a, c)), -1, 1)
    return np.where((a[:, None] > 0) & (c == 0), 0.0, found)


def _top_and_random(
    o: Observations, statistic: Callable[[Observations], Floats], k: int = DRAWN
) -> Floats:
    rng = np.random.default_rng(o.seed)
    images = o.w[:, 0].astype(np.int64)
    found = np.full((o.a.shape[1], o.c.shape[1]), np.nan)
    for unit in range(len(found)):
        top = images * (o.active[:, unit] == 1)
        drawn = _draw(rng, top, k) + _draw(rng, images, k)
        rows = drawn > 0
        sample = Observations(o.a[rows, unit], o.c[rows], counts=drawn[rows])
        found[unit] = statistic(sample)[0]
    return found


def _draw(rng: np.random.Generator, images: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return how many of up to k images, drawn without replacement, are of each row [N]."""
    return rng.multivariate_hypergeometric(images, min(k, images.sum()), method="marginals")


# ---- the table of metrics


@dataclass(frozen=True)
class Agreement:
    """One way to compare a label with a unit.

    Attributes:
        compute: Returns scores [U, C].
        title: Its name on a page.
        limits: The least and the greatest value; None if there are none.
        passes: Whether it passes both sanity checks in the paper, in theory and on networks.
            The paper does not judge combinations.
    """

    compute: Callable[[Observations], Floats]
    title: str
    limits: tuple[float, float] | None = (0.0, 1.0)
    passes: bool = False


SIGNED = (-1.0, 1.0)
AGREEMENTS = {
    "recall": Agreement(recall, "recall"),
    "precision": Agreement(precision, "precision"),
    "f1": Agreement(f1, "F1", passes=True),
    "iou": Agreement(iou, "IoU", passes=True),
    "accuracy": Agreement(accuracy, "accuracy"),
    "balanced_accuracy": Agreement(balanced_accuracy, "balanced accuracy"),
    "inverse_balanced_accuracy": Agreement(inverse_balanced_accuracy, "inverse balanced accuracy"),
    "auc": Agreement(auc, "AUC"),
    "inverse_auc": Agreement(inverse_auc, "inverse AUC"),
    "correlation": Agreement(correlation, "correlation", SIGNED, passes=True),
    "correlation_top_and_random": Agreement(
        correlation_top_and_random, "correlation, top and random", SIGNED
    ),
    "spearman": Agreement(spearman, "Spearman", SIGNED),
    "spearman_top_and_random": Agreement(
        spearman_top_and_random, "Spearman, top and random", SIGNED
    ),
    "cosine": Agreement(cosine, "cosine", SIGNED, passes=True),
    "wpmi": Agreement(wpmi, "WPMI", None),
    "mad": Agreement(mad, "MAD", None),
    "auprc": Agreement(auprc, "AUPRC", passes=True),
    "inverse_auprc": Agreement(inverse_auprc, "inverse AUPRC"),
}
"""Single metrics by name, in the paper's order."""
COMBINATIONS = {
    "combined_auc": ("auc", "inverse_auc"),
    "combined_balanced_accuracy": ("balanced_accuracy", "inverse_balanced_accuracy"),
    "recall_auc": ("recall", "auc"),
    "recall_inverse_auc": ("recall", "inverse_auc"),
    "precision_balanced": ("precision", "balanced_accuracy"),
    "precision_inverse_balanced": ("precision", "inverse_balanced_accuracy"),
}
"""Harmonic means of two metrics (appendix of the paper)."""


def _combined(one: Agreement, other: Agreement) -> Agreement:
    def compute(o: Observations) -> Floats:
        x, y = one.compute(o), other.compute(o)
        return np.where(x + y == 0, 0.0, ratio(2 * x * y, x + y))

    return Agreement(compute, f"{one.title} with {other.title}")


AGREEMENTS |= {
    name: _combined(*(AGREEMENTS[part] for part in parts)) for name, parts in COMBINATIONS.items()
}
