"""Decisions of a classifier: what is one, and its outputs worked out again on a tiny network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.config.compose import expand
from bench.errors import UserError
from bench.evidence import Store
from bench.parts import catalog
from bench.run.classifier import LinearClassifier, load_classifier
from bench.run.decision_scores import (
    TOLERANCE,
    TextJudges,
    _tolerance,
    score_decisions,
)
from bench.run.decision_setup import DecisionSetup
from leaderboards.record import Record
from metrics.truth import TrueName
from tests.bench.evidence import tiny

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_only_linear_layers_classify(capsys: pytest.CaptureFixture[str]) -> None:
    target = catalog.TARGETS.build("glyphs", {})
    assert isinstance(load_classifier(target, "fc"), LinearClassifier)
    assert load_classifier(target, "layer4.1.conv2") == (
        "n/a: layer4.1.conv2 is a Conv2d, not a linear layer"
    )
    with pytest.raises(UserError, match="no layer 'fcc'") as caught:
        load_classifier(target, "fcc")
    assert caught.value.where == "scoring.decisions.classifier"


@pytest.mark.parametrize(
    ("layer", "precision", "weight", "named", "reason"),
    [
        ("relu", "float32", 3, "abcd", ""),
        ("relu", "float32", 3, "abd", ""),
        ("relu", "float32", 3, "abc", "no image is predicted to be of a class with a name"),
        ("relu", "float32", 0.5, "abcd", ""),
        ("relu", "bfloat16", 3, "abcd", ""),
        ("conv", "float32", 3, "abcd", "n/a: head does not read the average of conv"),
        ("conv", "bfloat16", 3, "abcd", "n/a: head does not read the average of conv"),
    ],
)
def test_outputs_are_worked_out_again(
    layer: str, precision: str, weight: float, named: str, reason: str
) -> None:
    """The tiny network's `head` reads the mean over `relu`, and so not that over `conv`.

    The judges disagree on every label: the heavier one is heard.
    """
    target, probe = tiny.TinyTarget(), tiny.TinyProbe()
    overrides = ["scoring.decisions.classifier=head", f"target.precision={precision}"]
    [job] = expand([*overrides, f"scoring.decisions.clip_weight={weight}"])
    names = {unit: TrueName(name, (name,)) for unit, name in enumerate("abcd") if name in named}
    record = Record(
        key="k", board="b", status="ok", origin="measured", method={}, concepts={}, encoder={},
        seed=0, target={"layer": layer, "units": 5, "fingerprint": dict(target.fingerprint())},
        probe={"fingerprint": probe.fingerprint()},
    )  # fmt: skip
    clip_text, sentence = Spelled(shift=1), Spelled(shift=0)
    found = score_decisions(
        record, list("ABCDA"), DecisionSetup(target, probe, True, names), job.config,
        TextJudges(clip_text, sentence, circular=False), store=Store(None), device="cpu",
    )["decision_prediction"]  # fmt: skip
    if reason:
        assert found.value is None
        assert str(found.reason).startswith(reason)
        return
    activations = tiny.direct("relu", "avg")
    head = target.load("cpu").module.get_submodule("head")
    predictions = (activations @ head.weight.T + head.bias).argmax(1)  # type: ignore[operator,union-attr]
    top = (head.weight[predictions] * activations).argmax(1)  # type: ignore[index]
    # A class without a name can neither be told nor be asked for.
    known = [n for n, c in enumerate(predictions.tolist()) if c in names]
    assert (found.n, found.detail["left_out"]) == (len(known), 30 - len(known))
    right = 0
    for image in known:
        cosines = {}
        for unit in names:
            by_clip, by_sentence = (unit == (int(top[image]) + shift) % 4 for shift in (1, 0))
            cosines[unit] = weight * by_clip + by_sentence
        right += max(cosines, key=lambda unit: (cosines[unit], -unit)) == int(predictions[image])
    assert found.value == right / len(known)
    assert found.circular is False


@dataclass
class Spelled:
    """Class "a" is the first axis and so on; the label "A" is the axis `shift` further on."""

    shift: int

    def __call__(self, texts: Sequence[str]) -> Any:
        axes = ["abcd".index(t) if t.islower() else "ABCD".index(t) + self.shift for t in texts]
        return np.eye(4, dtype=np.float32)[np.array(axes) % 4]


@pytest.mark.parametrize(
    ("precision", "tf32", "as_of"),
    [
        ("float32", False, "float32"),
        ("float32", True, "float16"),
        ("float16", True, "float16"),
        ("bfloat16", True, "bfloat16"),
    ],
)
def test_the_coarsest_arithmetic_decides_what_error_is_allowed(
    precision: str, tf32: bool, as_of: str
) -> None:
    [job] = expand([f"target.precision={precision}", f"runtime.tf32={str(tf32).lower()}"])
    assert _tolerance(job.config) == TOLERANCE[as_of]
