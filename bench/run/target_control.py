"""The control that a request makes of its target: random weights, or a rotated layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.config.schema import NONE, RANDOM_WEIGHTS
from bench.parts.targets.random_weights import RandomWeights
from bench.run.identity import fingerprint

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from bench.parts.protocols import Target


def apply_control(target: Target, config: DictConfig) -> Target:
    """Return the target that the section `target` of a configuration describes.

    Args:
        target: The network as built from its name and parameters.
        config: The section; `control` and `control_seed` count.
    """
    if config.control == RANDOM_WEIGHTS:
        return RandomWeights(target, config.control_seed)
    return target


def describe_control(target: Target, config: DictConfig) -> dict[str, Any]:
    """Return {"control": {name, seed, base}} for a record, base the network's own fingerprint.

    Return {} where the target is no control.
    """
    if config.control == NONE:
        return {}
    network = target.trained if isinstance(target, RandomWeights) else target
    base = dict(fingerprint(network))
    return {"control": {"name": config.control, "seed": config.control_seed, "base": base}}
