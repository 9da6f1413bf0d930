"""Unit embeddings in an image-text space, as pure functions on tensors.

A unit becomes a vector among the embeddings of images and texts: the mean of its top images
(SemanticLens), the mean without what similar images share (CSP), or its covariance with the
embeddings. Its labels are the texts nearest to that vector. Images are rows of unit length [N, D],
activations [N, U]. A unit with constant or not all finite activations is dead: its rows are NaN.
"""

from baselines.alignment.embeddings import (
    covariance_directions,
    normalise_images,
    ridge_directions,
    unit_embeddings,
)
from baselines.alignment.scores import align, word_sets, word_weights
from baselines.alignment.statistics import unit_statistics

__all__ = [
    "align",
    "covariance_directions",
    "normalise_images",
    "ridge_directions",
    "unit_embeddings",
    "unit_statistics",
    "word_sets",
    "word_weights",
]
