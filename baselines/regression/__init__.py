"""Sparse linear models of units by concepts, as pure functions on tensors and arrays.

A unit's activation on an image is predicted as a weighted sum of the values of a few concepts on
it, plus a bias (Oikarinen and Weng, "Linear Explanations for Individual Neurons", ICML 2024).
Rows of all matrices are images: those of training first, then those of validation, then those of
test.
"""

from baselines.regression.concepts import (
    LEAST_MEAN,
    STRONGEST,
    ConceptValues,
    Split,
    split_images,
)
from baselines.regression.elastic_net import Penalty
from baselines.regression.explain import Explanation, explain_units
from baselines.regression.forward import SearchLimits

__all__ = [
    "LEAST_MEAN",
    "STRONGEST",
    "ConceptValues",
    "Explanation",
    "Penalty",
    "SearchLimits",
    "Split",
    "explain_units",
    "split_images",
]
