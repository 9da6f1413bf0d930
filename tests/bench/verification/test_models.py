"""Cosines and labels are made anew with the models of a record, and compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.__main__ import main
from bench.run.build import Parts
from bench.verification import embed
from bench.verification.record import verify_record
from leaderboards.verify.findings import Findings
from leaderboards.verify.labels import compare_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.verification.conftest import Forger

PARTS = Parts()


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, embedder: Callable[..., object]) -> None:
    """Take the embedder of the fixtures for the configured sentence encoder."""
    monkeypatch.setattr(embed, "fingerprint", lambda _: {"kind": "test"})
    monkeypatch.setattr(embed, "sentence_embedder", lambda *_: embedder)


@pytest.mark.usefixtures("judge")
def test_cosines_agree(record: Path) -> None:
    findings = verify_record(record, PARTS, embed=True)
    assert findings.mismatches == []
    assert [what for what, _ in findings.trusted] == ["shuffled control of ranks"]


@pytest.mark.usefixtures("judge")
def test_a_changed_cosine_is_noticed(forger: Forger) -> None:
    forger.cell(forger.units, 3, "sentence_cosine", "0.25")
    forger.hash()
    found = "\n".join(verify_record(forger.folder, PARTS, embed=True).mismatches)
    assert "sentence_cosine: differs at unit 3: 0.25 instead of" in found


@pytest.mark.usefixtures("judge")
def test_a_changed_control_of_cosines_is_noticed(forger: Forger) -> None:
    forger.json("scores", "controls", "oracle", "sentence_cosine", "value", value=0.5)
    forger.json("scores", "scores", "sentence_cosine", "ceiling", value=0.5)
    found = "\n".join(verify_record(forger.folder, PARTS, embed=True).mismatches)
    assert "controls.oracle.sentence_cosine.value: 0.5 instead of" in found


def test_another_model_is_named(record: Path) -> None:
    trusted = verify_record(record, PARTS, embed=True).trusted
    assert ("sentence_cosine and controls", "the configured model is another one") in trusted


def table(labels: list[str], scores: list[float]) -> pd.DataFrame:
    ranks = {"unit": [0, 0, 1, 1], "rank": [1, 2, 1, 2]}
    return pd.DataFrame({**ranks, "label": labels, "score": scores})


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        (["a", "b", "c", "d"], [0.5, 0.4, 0.3, 0.2999], ""),
        (["a", "b", "d", "c"], [0.5, 0.4, 0.3, 0.2999], ""),  # a tie but for rounding
        (["b", "a", "c", "d"], [0.5, 0.4, 0.3, 0.2999], "labels of 1 units differ .* 'b' instead"),
        (["a", "b", "c", "d"], [0.51, 0.4, 0.3, 0.2999], "scores of 1 units differ .* 0.51 inst"),
    ],
)
def test_labels_of_two_runs(labels: list[str], scores: list[float], message: str) -> None:
    findings = Findings("")
    again = table(["a", "b", "c", "d"], [0.5, 0.4, 0.3, 0.2999])
    compare_labels(table(labels, scores), again, findings)
    assert len(findings.mismatches) == bool(message)
    assert re.search(message, "".join(findings.mismatches))


@pytest.mark.slow
def test_a_run_is_repeated(tmp_path: Path) -> None:
    request = ["target=glyphs_scenes", "probe.params.size=32", "scoring=none"]
    places = [f"results={tmp_path / 'results'}", f"runtime.cache={tmp_path / 'cache'}"]
    assert main(["run", *request, *places]) == 0
    [file] = (tmp_path / "results").rglob("record.json")
    assert main(["verify", str(file.parent), "--rerun"]) == 0
    descriptions = file.with_name("descriptions.csv.gz")
    labels = pd.read_csv(descriptions, dtype=str, keep_default_na=False)
    labels["label"] = labels["label"].to_numpy()[::-1]
    labels.to_csv(descriptions, index=False)
    found = verify_record(file.parent, PARTS, rerun=True).mismatches
    assert any("differ from those of a new run" in message for message in found)
