"""The formulas of `baselines.alignment` as loops over units and pairs of images, in float64."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def unit(vector):
    return vector / np.linalg.norm(vector)


def cosine(one, other):
    return float(unit(one) @ unit(other))


def chosen(column, top_k):
    """Return the top images: ties by lowest index, without those at the lowest activation."""
    order = sorted(range(len(column)), key=lambda i: (-column[i], i))[:top_k]
    return [i for i in order if column[i] > column.min()]


def embedding(images, column, top_k, weighted=False, contrast=0.0):
    total, weights = np.zeros(images.shape[1]), 0.0
    top = chosen(column, top_k)
    use = weighted and column[top[0]] > 0
    below = [j for j in range(len(column)) if column[j] < column.mean()]
    for i in top:
        weight = max(column[i], 0) if use else 1.0
        similar = max(below, key=lambda j: (images[i] @ images[j], -j))
        shared = images[i] @ images[similar]
        total += weight * (images[i] - contrast * shared * images[similar])
        weights += weight
    return total / weights


def clarity(images, column, top_k):
    pairs = list(combinations(chosen(column, top_k), 2))
    return np.mean([images[i] @ images[j] for i, j in pairs])


def monosemanticity(images, column):
    scaled = (column - column.min()) / (column.max() - column.min())
    above = below = 0.0
    for i, j in combinations(range(len(column)), 2):
        above += scaled[i] * scaled[j] * (images[i] @ images[j])
        below += scaled[i] * scaled[j]
    return above / below


def splits(count):
    """Return every way to cut positions into two clusters."""
    for bits in range(1, 2 ** (count - 1)):
        yield (
            [k for k in range(count) if bits >> k & 1],
            [k for k in range(count) if not bits >> k & 1],
        )


def spread(vectors, clusters):
    """Return the sum of squared distances from the clusters' centres."""
    return sum(((vectors[c] - vectors[c].mean(axis=0)) ** 2).sum() for c in clusters)


def polysemanticity(images, column, top_k):
    """Return 1 minus the cosine of the centres of the best of all pairs of clusters."""
    vectors = images[chosen(column, top_k)]
    one, other = min(splits(len(vectors)), key=lambda pair: spread(vectors, pair))
    if min(len(one), len(other)) < 2:
        return 1 - np.mean([cosine(vectors.mean(axis=0), v) for v in vectors[:10]])
    return 1 - cosine(vectors[one].mean(axis=0), vectors[other].mean(axis=0))


def covariance(images, column):
    return sum(
        (column[i] - column.mean()) * (images[i] - images.mean(axis=0)) for i in range(len(column))
    )


def ridge(images, activations, strength):
    centred = activations - activations.mean(axis=0)
    gram = centred.T @ centred
    penalty = strength * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.inv(gram + penalty) @ centred.T @ (images - images.mean(axis=0))
