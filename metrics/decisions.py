"""Explain decisions by labels of units (CLIP-Dissect, ICLR 2023, appendix A.6).

A linear classifier reads the pooled activations a of a layer: unit u adds W[c, u] * a[u] to the
logit of class c. Take the label of the unit that adds most to the predicted class, and the class
whose name is nearest to this label. The score is how often that class is the true class of the
image, or the predicted one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.labels import LabelRules, normalise, true_concepts
from metrics.scores import Score
from metrics.statistics import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metrics.truth import TrueName

Indices = NDArray[np.int64]

_BLOCK_FLOATS = 4_000_000


def predict_classes(outputs: NDArray[np.floating]) -> Indices:
    """Return the class with the greatest output, the lowest of equals; NaN is never greatest.

    Args:
        outputs: A classifier's outputs [N, K].

    Returns:
        Classes, int64 [N].
    """
    found = [_greatest(outputs[block]) for block in _blocks(*outputs.shape)]
    return np.concatenate([np.empty(0, np.int64), *found])


def top_contributors(
    activations: NDArray[np.floating],
    weights: NDArray[np.floating],
    predictions: NDArray[np.integer],
) -> Indices:
    """Return the unit that adds most to the logit of each image's class, the lowest of equals.

    A contribution of NaN is less than any other.

    Args:
        activations: Pooled activations [N, U].
        weights: Of the classifier [K, U].
        predictions: A class of each image [N].

    Returns:
        Units, int64 [N].
    """
    found = []
    for block in _blocks(*activations.shape):
        # In float64 products of float32 are exact, so equal contributions compare as equal.
        own = weights[predictions[block]].astype(np.float64)
        with np.errstate(invalid="ignore"):  # inf * 0
            own *= activations[block]
        found.append(_greatest(own))
    return np.concatenate([np.empty(0, np.int64), *found])


def _greatest(values: NDArray[np.floating]) -> Indices:
    found: Indices = np.where(np.isnan(values), -np.inf, values).argmax(axis=1).astype(np.int64)
    return found


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(1, _BLOCK_FLOATS // max(1, columns))
    return [slice(start, start + step) for start in range(0, rows, step)]


def linear_error(
    activations: NDArray[np.floating],
    weights: NDArray[np.floating],
    bias: NDArray[np.floating],
    outputs: NDArray[np.floating],
) -> float:
    """Return the greatest difference of outputs from W a + b, relative to the greatest output.

    Args:
        activations: Pooled activations of some images [N, U].
        weights: [K, U].
        bias: [K].
        outputs: What the classifier gave for these images [N, K].

    Returns:
        max |W a + b - outputs| / max |outputs|; infinity where anything is not finite.
    """
    wanted = np.asarray(outputs, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        own = activations.astype(np.float64) @ weights.astype(np.float64).T + bias
        error = np.abs(own - wanted).max(initial=0.0)
        scale = np.abs(wanted).max(initial=0.0)
    if not np.isfinite(error) or not np.isfinite(scale):
        return float("inf")
    return float(error / scale) if scale else (0.0 if error == 0 else float("inf"))


def nearest_classes(
    labels: Sequence[NDArray[np.floating]],
    classes: Sequence[NDArray[np.floating]],
    weights: Sequence[float],
) -> Indices:
    """Return the class nearest to each label, by a weighted sum of cosines, the lowest of equals.

    Args:
        labels: By judge, unit-norm vectors of L labels [L, D of the judge].
        classes: By judge, unit-norm vectors of the names of K classes [K, D of the judge].
        weights: By judge, what its cosine counts.

    Returns:
        Positions of classes, int64 [L].
    """
    found = []
    for block in _blocks(len(labels[0]), len(classes[0])):
        table = np.zeros((len(labels[0][block]), len(classes[0])))
        for own, names, weight in zip(labels, classes, weights, strict=True):
            table += weight * (own[block].astype(np.float64) @ names.astype(np.float64).T)
        found.append(_greatest(table))
    return np.concatenate([np.empty(0, np.int64), *found])


def match_classes(names: Sequence[str], truth: Mapping[int, TrueName]) -> Indices:
    """Match the classes of a set of images to the classes of a classifier, by name.

    Names are compared by the default rule of `metrics.labels`, each with all synonyms. Of several
    classes that fit a name, choose the one published under it; of several of these, the one of the
    same number; otherwise none.

    Args:
        names: Of the classes of the images, in their order.
        truth: True names of the classifier's classes by unit.

    Returns:
        Units, int64 [number of names]; -1 where no class, or none in particular, is of that name.
    """
    units = sorted(truth)
    fitting: list[list[int]] = [[] for _ in names]
    for unit, found in zip(
        units, true_concepts([truth[u] for u in units], names, LabelRules()), strict=True
    ):
        for number in found.tolist():
            fitting[number].append(unit)
    matched = np.full(len(names), -1, dtype=np.int64)
    for number, (name, fits) in enumerate(zip(names, fitting, strict=True)):
        published = [u for u in fits if normalise(truth[u].name) == normalise(name)]
        among = published or fits
        if len(among) == 1:
            matched[number] = among[0]
        elif number in among:
            matched[number] = number
    return matched


def decision_score(
    nearest: NDArray[np.integer],
    top: NDArray[np.integer],
    classes: NDArray[np.integer],
    n_classes: int,
    *,
    reason: str = "no image of the probe set is of a known class",
) -> Score:
    """Return the fraction of images whose top unit's label is nearest to the image's class.

    The interval is Wilson's over images, with the units taken as given. Images of a unit without a
    label count as wrong. The ceiling is the score if each unit's label were nearest to the class of
    most of its images: a unit has one label for all of them.

    Args:
        nearest: The class nearest to each unit's label [U]; -1 for a unit without a label.
        top: Each image's unit [N].
        classes: The class of each image [N]; an image of unknown class, -1, is left out.
        n_classes: Number of classes that labels were compared with.
        reason: Reason given if no class is known.

    Returns:
        The score; its `n` and `n_unlabelled` are numbers of images, its details say how many
        classes there were to choose from, how many different units were on top, and how many
        images were left out.
    """
    known = np.asarray(classes) >= 0
    units, wanted = np.asarray(top)[known], np.asarray(classes)[known].astype(np.int64)
    n = int(wanted.size)
    if not n:
        return Score(None, reason=reason)
    found = np.asarray(nearest)[units]
    right = int((found == wanted).sum())
    low, high = wilson(float(right), n)
    return Score(
        right / n,
        low,
        high,
        n=n,
        n_unlabelled=int((found < 0).sum()),
        chance=1 / n_classes,
        ceiling=_best(units, wanted) / n,
        detail={
            "classes": n_classes,
            "units": int(np.unique(units).size),
            "left_out": int(known.size) - n,
        },
    )


def _best(units: NDArray[np.integer], classes: Indices) -> int:
    """Count the images that are of the commonest class of their unit."""
    pairs, counts = np.unique(np.stack([units, classes], axis=1), axis=0, return_counts=True)
    most = np.zeros(int(pairs[:, 0].max()) + 1, dtype=np.int64)
    np.maximum.at(most, pairs[:, 0], counts)
    return int(most.sum())
