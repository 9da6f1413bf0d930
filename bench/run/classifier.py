"""The linear classifier whose decisions are scored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bench.run.decision_setup import FIELD, classifier_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from omegaconf import DictConfig

    from bench.parts.protocols import Target
    from bench.run.decision_setup import DecisionSetup


@dataclass(frozen=True)
class LinearClassifier:
    """A linear classifier: logits = weights @ activations + bias.

    Attributes:
        weights: float32 [K, U].
        bias: float32 [K].
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@lru_cache(maxsize=2)
def load_classifier(target: Target, name: str) -> LinearClassifier | str:
    """Return the weights of a linear layer, or why it is not linear.

    Args:
        target: The network, which is loaded for it.
        name: The layer's module path.

    Raises:
        UserError: The network has no such layer, or cannot be loaded.
    """
    from torch import nn

    from bench.networks.layers import resolve_layers
    from bench.networks.layout.address import module_path

    module = target.load("cpu").module
    resolve_layers(module, [name], where=f"{FIELD}.classifier")
    layer = module.get_submodule(module_path(name))
    if not isinstance(layer, nn.Linear):
        return f"n/a: {name} is a {type(layer).__name__}, not a linear layer"
    weights: NDArray[np.float32] = layer.weight.detach().float().numpy().copy()
    bias = np.zeros(len(weights), np.float32)
    if layer.bias is not None:
        bias = layer.bias.detach().float().numpy().copy()
    return LinearClassifier(weights, bias)


def classifier_layers(
    config: DictConfig, setup: DecisionSetup | None, layers: Sequence[str]
) -> tuple[str, ...]:
    """Return the classifiers that a pass over the images for some layers should read as well.

    Raises:
        UserError: The network has no such layer.
    """
    if setup is None or not setup.same_probe:
        return ()
    names = {classifier_of(config, layer) for layer in layers} - {""}
    return tuple(n for n in names if isinstance(load_classifier(setup.target, n), LinearClassifier))
