"""Scores of decisions: does the name of the unit that contributed most tell the class?

The numbers come from evidence: pooled activations of the described layer and the outputs of the
classifier that reads it, both of one pass over the images. A run gathers them on its way; where
the cache no longer holds them, as when a record is scored again much later, they are gathered anew,
for which the network and the images must be there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bench.config.validate import layout_settings
from bench.evidence import EvidenceRequest, gather
from bench.parts.protocols import LabelledProbe
from bench.run.decision_settings import FIELD, classifier_of
from bench.run.device import execution_of
from bench.timing import Timer
from leaderboards.hashing import canonical_json
from metrics.catalog import DECISION_PREDICTION, DECISION_TRUTH, DECISIONS
from metrics.decisions import (
    decision_score,
    linear_error,
    match_classes,
    nearest_classes,
    predict_classes,
    top_contributors,
)
from metrics.scores import Score
from metrics.text import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from omegaconf import DictConfig

    from bench.evidence import ProbeEvidence, Store
    from bench.parts.protocols import Target
    from bench.run.decision_settings import Deciding
    from leaderboards.record import Record
    from metrics.decisions import Indices
    from metrics.text import Embedder

NEEDS_ACTIVATIONS = "n/a: needs activations"
NO_JUDGES = "n/a: needs a sentence encoder and a CLIP text encoder (scoring)"
NOT_LABELLED = "n/a: the probe set does not say what class its images are of"
CHECKED = 64
"""Images on which the classifier's outputs are worked out again."""
TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2, "float16": 1e-2}
"""By precision of the forward pass, the greatest error for which outputs still are W a + b."""


@dataclass(frozen=True)
class Linear:
    """A linear classifier: logits = weights @ activations + bias.

    Attributes:
        weights: float32 [K, U].
        bias: float32 [K].
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class TextJudges:
    """What says how near a label is to the name of a class.

    Attributes:
        clip_text: The text tower that scores `clip_cosine`.
        sentence: The sentence encoder.
        circular: One of them, as far as it counts, is the text tower of the labelling encoder.
        same: They are one text tower, and so one judge.
    """

    clip_text: Embedder
    sentence: Embedder
    circular: bool
    same: bool = False


@lru_cache(maxsize=2)
def linear_classifier(target: Target, name: str) -> Linear | str:
    """The weights of a linear layer, or why it is none.

    Args:
        target: The network; it is loaded.
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
    return Linear(weights, bias)


def classifier_layers(
    config: DictConfig, found: Deciding | None, layers: Sequence[str]
) -> tuple[str, ...]:
    """The classifier, where a pass over the images of some layers should read it on its way.

    Raises:
        UserError: The network has no such layer.
    """
    names = {classifier_of(config, layer) for layer in layers} - {""}
    if found is None or not found.same_probe:
        return ()
    return tuple(n for n in names if isinstance(linear_classifier(found.target, n), Linear))


def score_decisions(
    record: Record,
    labels: Sequence[str],
    found: Deciding | None,
    config: DictConfig,
    judges: TextJudges | None,
    *,
    store: Store,
    device: str,
) -> dict[str, Score]:
    """Score one layer's labels by the decisions that its units contribute to.

    Where a judge shares its text tower with the labelling encoder the scores are marked as
    circular, not left out.

    Args:
        record: Of the labels.
        labels: The first label of each unit [U]; "" for none.
        found: What decisions are read from; None where that is not known.
        config: Whose `scoring.decisions`, `target.precision` and `runtime` count.
        judges: What compares labels with names of classes; None where one is missing.
        store: Where evidence is looked up and kept.
        device: Where networks run.

    Returns:
        Both scores, null with a reason where they cannot be had; nothing where they are not asked
        for.

    Raises:
        UserError: The evidence is to be gathered anew, and the network or the images are not there.
        ValueError: The truth names a class that the classifier does not have.
    """
    layer = record.target["layer"]
    classifier = classifier_of(config, layer)
    if not classifier:
        return {}
    if found is None:
        return _null(NEEDS_ACTIVATIONS)
    if reason := _other_evidence(record, found):
        return _null(reason)
    linear = linear_classifier(found.target, classifier)
    if isinstance(linear, str):
        return _null(linear)
    if reason := _no_reading(record, classifier, linear, found):
        return _null(reason)
    if judges is None:
        return _null(NO_JUDGES)
    request = EvidenceRequest(
        found.target,
        [layer, classifier],
        found.probe,
        # The pooling that the classifier reads, whatever the labels were made of.
        layout=replace(layout_settings(config), pooling="auto"),
        execution=execution_of(config, device),
    )
    gathered = gather(request, store=store, timer=Timer(device))
    return _scores(gathered, layer, classifier, labels, linear, found, judges, config)


def _other_evidence(record: Record, found: Deciding) -> str:
    """Why what is there now cannot tell about a record's labels."""
    made_with = [("network", found.target.fingerprint(), record.target)]
    if found.same_probe:
        made_with.append(("probe set", found.probe.fingerprint(), record.probe))
    for what, own, told in made_with:
        if canonical_json(dict(own)) != canonical_json(told["fingerprint"]):
            return f"n/a: the {what} is not the one that the labels were made with"
    return ""


def _no_reading(record: Record, classifier: str, linear: Linear, found: Deciding) -> str:
    """Why a classifier's decisions cannot tell about a layer, before anything is gathered."""
    units, classes = int(record.target["units"]), len(linear.weights)
    if linear.weights.shape[1] != units:
        return (
            f"n/a: {classifier} reads {linear.weights.shape[1]} values and "
            f"{record.target['layer']} has {units} units"
        )
    if not found.names:
        return (
            f"n/a: the classes of {classifier} have no names "
            f"(target.truth, with target.truth_layer={classifier})"
        )
    if max(found.names) >= classes:
        raise ValueError(
            f"the truth names unit {max(found.names)}; {classifier} has {classes} units"
        )
    return ""


def _scores(
    gathered: ProbeEvidence,
    layer: str,
    classifier: str,
    labels: Sequence[str],
    linear: Linear,
    found: Deciding,
    judges: TextJudges,
    config: DictConfig,
) -> dict[str, Score]:
    activations = gathered.activations(layer).numpy()
    outputs = gathered.activations(classifier).numpy()
    some = np.linspace(0, len(outputs) - 1, min(CHECKED, len(outputs))).astype(np.int64)
    error = linear_error(activations[some], linear.weights, linear.bias, outputs[some])
    if not error <= _tolerance(config):
        return _null(
            f"n/a: {classifier} does not read the average of {layer}: its outputs are off W a + b "
            f"by {error:.2g} of the greatest"
        )
    predictions = predict_classes(outputs)
    top = top_contributors(activations, linear.weights, predictions)
    told = _told(labels, top, found, judges, float(config.scoring.decisions.clip_weight))
    named = np.isin(predictions, list(found.names))
    scores = {
        DECISION_PREDICTION: decision_score(
            told,
            top,
            np.where(named, predictions, -1),
            len(found.names),
            reason="no image is predicted to be of a class with a name",
        ),
        DECISION_TRUTH: Score(None, reason=NOT_LABELLED),
    }
    if isinstance(found.probe, LabelledProbe):
        matched = np.append(match_classes(found.probe.class_names(), found.names), -1)
        classes = matched[np.asarray(found.probe.image_classes(), dtype=np.int64)]
        scored = decision_score(told, top, classes, len(found.names))
        if scored.value is not None:
            right = float((predictions == classes)[classes >= 0].mean())
            scored = replace(scored, detail={**scored.detail, "network_accuracy": right})
        scores[DECISION_TRUTH] = scored
    return {name: _marked(scores[name], judges) for name in DECISIONS}


def _tolerance(config: DictConfig) -> float:
    """The greatest error of a network's outputs; TF32 has the mantissa of float16."""
    kinds = [str(config.target.precision), *(["float16"] if config.runtime.tf32 else [])]
    return max(TOLERANCE[kind] for kind in kinds)


def _marked(score: Score, judges: TextJudges) -> Score:
    if score.value is None:
        return score
    detail = {**score.detail, "one_judge": True} if judges.same else score.detail
    return replace(score, circular=judges.circular, detail=detail)


def _told(
    labels: Sequence[str], top: Indices, found: Deciding, judges: TextJudges, clip_weight: float
) -> Indices:
    """The class (a unit of the classifier) that each unit's label tells, -1 for none."""
    units = np.array(sorted(found.names), dtype=np.int64)
    names = [found.names[unit].name for unit in units.tolist()]
    told = np.full(len(labels), -1, dtype=np.int64)
    # Only what some image hangs on is embedded.
    named = [unit for unit in np.unique(top).tolist() if labels[unit]]
    texts = sorted({labels[unit] for unit in named})
    if not texts:
        return told
    embedders = (judges.clip_text, judges.sentence)
    found_classes = nearest_classes(
        [embed(embedder, texts) for embedder in embedders],
        [embed(embedder, names) for embedder in embedders],
        (clip_weight, 1.0),
    )
    by_label = dict(zip(texts, units[found_classes].tolist(), strict=True))
    told[named] = [by_label[labels[unit]] for unit in named]
    return told


def _null(reason: str) -> dict[str, Score]:
    return {name: Score(None, reason=reason) for name in DECISIONS}
