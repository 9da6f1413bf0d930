"""The settings of the scores of decisions: what is looked at, and what of it decides scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from bench.parts import catalog
from bench.parts.protocols import LabelledProbe
from bench.run.identity import describe_truth
from leaderboards.hashing import short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omegaconf import DictConfig

    from bench.parts.protocols import Probe, Target, Truth
    from metrics.truth import TrueName

FIELD = "scoring.decisions"
SAME = "same"
"""The name of the probe set that the labels were made with, for `scoring.decisions.probe`."""


@dataclass(frozen=True)
class Deciding:
    """A network that decides, and what is known of its decisions.

    Attributes:
        target: The network.
        probe: The images that it decides on.
        same_probe: Whether these are the images that the labels were made with.
        names: True names of the classifier's classes by unit; empty where they are not known.
    """

    target: Target
    probe: Probe
    same_probe: bool
    names: Mapping[int, TrueName]


def classifier_of(config: DictConfig, layer: str) -> str:
    """The module path of the classifier whose decisions tell about a layer.

    Empty where decisions are not scored: nobody asks for it, or the layer is the classifier's own.
    """
    classifier = str(config.scoring.decisions.classifier).strip()
    return classifier if classifier != layer else ""


def deciding(config: DictConfig, target: Target, truth: Truth, probe: Probe) -> Deciding | None:
    """What decisions are read from; None where no classifier is named.

    Args:
        config: Whose `scoring.decisions` and `target.truth_layer` count.
        target: The network.
        truth: True names of the layer `target.truth_layer`.
        probe: The images that the labels were made with.

    Raises:
        UserError: The probe set of the decisions is not as it must be.
    """
    settings = config.scoring.decisions
    classifier = classifier_of(config, "")
    if not classifier:
        return None
    same = settings.probe.name == SAME
    if not same:
        params = OmegaConf.to_container(settings.probe.params, resolve=True)
        assert isinstance(params, dict)
        probe = catalog.PROBES.build(
            settings.probe.name, {str(k): v for k, v in params.items()}, where=f"{FIELD}.probe"
        )
    about = config.target.truth_layer
    return Deciding(target, probe, same, truth.names() if about == classifier else {})


def describe_decisions(config: DictConfig, layer: str, found: Deciding | None) -> dict[str, Any]:
    """What decides the scores, under the key "decisions"; nothing where they are not asked for.

    So records that were scored without them keep the key of their scores.

    Args:
        config: Whose `scoring.decisions` counts.
        layer: The layer whose units have labels.
        found: What decisions are read from; None where that is not known, as of imported labels.
    """
    classifier = classifier_of(config, layer)
    if not classifier:
        return {}
    weight = float(config.scoring.decisions.clip_weight)
    told: dict[str, Any] = {"classifier": classifier, "clip_weight": weight}
    if found is not None:
        told["classes"] = describe_truth(config.target.truth.name, found.names)
        told["images"] = _classes_hash(found.probe)
        if not found.same_probe:
            told["probe"] = dict(found.probe.fingerprint())
    return {"decisions": told}


@cache
def _classes_hash(probe: Probe) -> str:
    """A hash of the classes of all images, which no fingerprint of pixels tells; or nothing."""
    if not isinstance(probe, LabelledProbe):
        return ""
    return short_hash([list(probe.class_names()), [int(c) for c in probe.image_classes()]])
