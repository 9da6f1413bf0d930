"""Settings of the scores of decisions: network and images, and what decides the scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.config.schema import SAME
from bench.parts import catalog
from bench.parts.protocols import LabelledProbe
from bench.run.build import build_part
from bench.run.identity import describe_truth
from leaderboards.hashing import short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omegaconf import DictConfig

    from bench.parts.protocols import Probe, Target, Truth
    from metrics.truth import TrueName

FIELD = "scoring.decisions"


@dataclass(frozen=True)
class DecisionSetup:
    """A network whose decisions are scored.

    Attributes:
        target: The network.
        probe: The images that it decides on.
        same_probe: Whether the labels were made with these images.
        class_names: True names of the classifier's classes by unit; empty where unknown.
    """

    target: Target
    probe: Probe
    same_probe: bool
    class_names: Mapping[int, TrueName]


def classifier_of(config: DictConfig, layer: str) -> str:
    """Return the module path of the classifier whose decisions are scored for a layer.

    Empty where decisions are not scored: none is configured, or the layer is the classifier's own.
    """
    classifier = str(config.scoring.decisions.classifier).strip()
    return classifier if classifier != layer else ""


def build_decision_setup(
    config: DictConfig, target: Target, truth: Truth, probe: Probe
) -> DecisionSetup | None:
    """Build what decisions are scored on; None where no classifier is configured.

    Args:
        config: Its `scoring.decisions` and `target.truth_layer` count.
        target: The network.
        truth: True names of the layer `target.truth_layer`.
        probe: The probe set of the labels.

    Raises:
        UserError: The probe set of the decisions is invalid.
    """
    classifier = classifier_of(config, "")
    if not classifier:
        return None
    own_probe = config.scoring.decisions.probe
    same = own_probe.name == SAME
    if not same:
        probe = build_part(catalog.PROBES, own_probe, f"{FIELD}.probe")
    names = truth.names() if config.target.truth_layer == classifier else {}
    return DecisionSetup(target, probe, same, names)


def describe_decisions(
    config: DictConfig, layer: str, setup: DecisionSetup | None
) -> dict[str, Any]:
    """Return what decides the scores, under the key "decisions"; {} where they are not scored.

    Leave it out otherwise, so that records scored without decisions keep the key of their scores.

    Args:
        config: Its `scoring.decisions` counts.
        layer: The layer whose units have labels.
        setup: The network and images; None where they are unknown, as for imported labels.
    """
    classifier = classifier_of(config, layer)
    if not classifier:
        return {}
    weight = float(config.scoring.decisions.clip_weight)
    content: dict[str, Any] = {"classifier": classifier, "clip_weight": weight}
    if setup is not None:
        content["classes"] = describe_truth(config.target.truth.name, setup.class_names)
        content["images"] = _hash_classes(setup.probe)
        if not setup.same_probe:
            content["probe"] = dict(setup.probe.fingerprint())
    return {"decisions": content}


@cache
def _hash_classes(probe: Probe) -> str:
    """Return a hash of the images' classes, which are in no fingerprint; empty without classes."""
    if not isinstance(probe, LabelledProbe):
        return ""
    return short_hash([list(probe.class_names()), [int(c) for c in probe.image_classes()]])
