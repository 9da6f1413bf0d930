"""Score decisions: does the label of the unit that contributed most name the class?

The evidence is pooled activations of the described layer and the outputs of the classifier that
reads it. A run gathers both in one pass over the images. Where the cache no longer holds them, as
when a record is scored again much later, they are gathered again, which needs the network and the
images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.config.validate import layout_settings
from bench.evidence import EvidenceRequest, gather
from bench.parts.protocols import LabelledProbe
from bench.run.classifier import LinearClassifier, load_classifier
from bench.run.decision_setup import classifier_of
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

    from omegaconf import DictConfig

    from bench.evidence import ProbeEvidence, Store
    from bench.run.decision_setup import DecisionSetup
    from leaderboards.record import Record
    from metrics.decisions import Indices
    from metrics.text import Embedder

NEEDS_ACTIVATIONS = "n/a: needs activations"
NO_JUDGES = "n/a: needs a sentence encoder and a CLIP text encoder (scoring)"
NOT_LABELLED = "n/a: the probe set does not say what class its images are of"
CHECKED = 64
"""Number of images on which the classifier's outputs are recomputed as a check."""
TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2, "float16": 1e-2}
"""By precision of the forward pass, the largest relative error of outputs that are W a + b."""


@dataclass(frozen=True)
class TextJudges:
    """The models that score the similarity of a label and the name of a class.

    Attributes:
        clip_text: The text tower that scores `clip_cosine`.
        sentence: The sentence encoder.
        circular: Whether one with a weight is the text tower of the labelling encoder.
        same: Whether both are one text tower.
    """

    clip_text: Embedder
    sentence: Embedder
    circular: bool
    same: bool = False


def score_decisions(
    record: Record,
    labels: Sequence[str],
    setup: DecisionSetup | None,
    config: DictConfig,
    judges: TextJudges | None,
    *,
    store: Store,
    device: str,
) -> dict[str, Score]:
    """Score one layer's labels by the decisions that its units contribute to.

    Scores are marked as circular where a judge shares its text tower with the labelling encoder.

    Args:
        record: The record of the labels.
        labels: The first label of each unit [U]; "" for none.
        setup: What decisions are scored on; None where unknown.
        config: Its `scoring.decisions`, `target.precision` and `runtime` count.
        judges: Compare labels with names of classes; None where one is missing.
        store: The evidence cache.
        device: Where networks run.

    Returns:
        Both scores, null with a reason where they cannot be computed; {} where no decisions are
        configured.

    Raises:
        UserError: The network or the images are needed and are not on this machine.
        ValueError: The truth names a class that the classifier does not have.
    """
    layer = record.target["layer"]
    classifier = classifier_of(config, layer)
    if not classifier:
        return {}
    if setup is None:
        return _null(NEEDS_ACTIVATIONS)
    if reason := _other_evidence(record, setup):
        return _null(reason)
    linear = load_classifier(setup.target, classifier)
    if isinstance(linear, str):
        return _null(linear)
    if reason := _no_reading(record, classifier, linear, setup):
        return _null(reason)
    if judges is None:
        return _null(NO_JUDGES)
    request = EvidenceRequest(
        setup.target,
        [layer, classifier],
        setup.probe,
        # As the classifier reads the layer, however the labels' activations were pooled.
        layout=replace(layout_settings(config), pooling="auto"),
        execution=execution_of(config, device),
    )
    gathered = gather(request, store=store, timer=Timer(device))
    return _scores(gathered, layer, classifier, labels, linear, setup, judges, config)


def _other_evidence(record: Record, setup: DecisionSetup) -> str:
    """Return why the network or images at hand are not those of a record; empty if they are."""
    if "directions" in record.target["fingerprint"]:
        return "n/a: the labels are of directions, and the classifier reads the layer's own units"
    made_with = [("network", setup.target.fingerprint(), record.target)]
    if setup.same_probe:
        made_with.append(("probe set", setup.probe.fingerprint(), record.probe))
    for what, own, recorded in made_with:
        if canonical_json(dict(own)) != canonical_json(recorded["fingerprint"]):
            return f"n/a: the {what} is not the one that the labels were made with"
    return ""


def _no_reading(
    record: Record, classifier: str, linear: LinearClassifier, setup: DecisionSetup
) -> str:
    """Return why a classifier's decisions cannot be scored for a layer; empty if they can."""
    units, classes = int(record.target["units"]), len(linear.weights)
    if linear.weights.shape[1] != units:
        return (
            f"n/a: {classifier} reads {linear.weights.shape[1]} values and "
            f"{record.target['layer']} has {units} units"
        )
    if not setup.class_names:
        return (
            f"n/a: the classes of {classifier} have no names "
            f"(target.truth, with target.truth_layer={classifier})"
        )
    if max(setup.class_names) >= classes:
        raise ValueError(
            f"the truth names unit {max(setup.class_names)}; {classifier} has {classes} units"
        )
    return ""


def _scores(
    gathered: ProbeEvidence,
    layer: str,
    classifier: str,
    labels: Sequence[str],
    linear: LinearClassifier,
    setup: DecisionSetup,
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
    label_classes = _nearest_classes(
        labels, top, setup, judges, float(config.scoring.decisions.clip_weight)
    )
    named = np.isin(predictions, list(setup.class_names))
    scores = {
        DECISION_PREDICTION: decision_score(
            label_classes,
            top,
            np.where(named, predictions, -1),
            len(setup.class_names),
            reason="no image is predicted to be of a class with a name",
        ),
        DECISION_TRUTH: Score(None, reason=NOT_LABELLED),
    }
    if isinstance(setup.probe, LabelledProbe):
        matched = np.append(match_classes(setup.probe.class_names(), setup.class_names), -1)
        classes = matched[np.asarray(setup.probe.image_classes(), dtype=np.int64)]
        scored = decision_score(label_classes, top, classes, len(setup.class_names))
        if scored.value is not None:
            right = float((predictions == classes)[classes >= 0].mean())
            scored = replace(scored, detail={**scored.detail, "network_accuracy": right})
        scores[DECISION_TRUTH] = scored
    return {name: _marked(scores[name], judges) for name in DECISIONS}


def _tolerance(config: DictConfig) -> float:
    """Return the largest allowed error of outputs; TF32 has the mantissa of float16."""
    kinds = [str(config.target.precision), *(["float16"] if config.runtime.tf32 else [])]
    return max(TOLERANCE[kind] for kind in kinds)


def _marked(score: Score, judges: TextJudges) -> Score:
    if score.value is None:
        return score
    detail = {**score.detail, "one_judge": True} if judges.same else score.detail
    return replace(score, circular=judges.circular, detail=detail)


def _nearest_classes(
    labels: Sequence[str],
    top: Indices,
    setup: DecisionSetup,
    judges: TextJudges,
    clip_weight: float,
) -> Indices:
    """Return the class nearest to each unit's label, as a unit of the classifier; -1 for none."""
    units = np.array(sorted(setup.class_names), dtype=np.int64)
    names = [setup.class_names[unit].name for unit in units.tolist()]
    classes = np.full(len(labels), -1, dtype=np.int64)
    # Embed only labels of units that contribute most to some image.
    named = [unit for unit in np.unique(top).tolist() if labels[unit]]
    texts = sorted({labels[unit] for unit in named})
    if not texts:
        return classes
    embedders = (judges.clip_text, judges.sentence)
    top_classes = nearest_classes(
        [embed(embedder, texts) for embedder in embedders],
        [embed(embedder, names) for embedder in embedders],
        (clip_weight, 1.0),
    )
    by_label = dict(zip(texts, units[top_classes].tolist(), strict=True))
    classes[named] = [by_label[labels[unit]] for unit in named]
    return classes


def _null(reason: str) -> dict[str, Score]:
    return {name: Score(None, reason=reason) for name in DECISIONS}
