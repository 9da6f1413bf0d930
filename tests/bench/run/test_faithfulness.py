"""`dissectbench faithfulness`: labels of a small run against held-out images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.parts.probes.glyphs import GlyphsProbe
from bench.run import faithfulness
from leaderboards.record_tables import read_descriptions
from metrics.faithfulness import AGREEMENTS
from metrics.observations import Observations

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [
    "board", "method", "key", "target", "control", "layer", "probe", "concepts", "images", "alpha",
    "metric", "value", "ci_low", "ci_high", "n", "n_unlabelled", "unknown", "chance", "ceiling",
    "p_shuffled",
]  # fmt: skip


@pytest.fixture
def folder(here: Path) -> Path:
    [found] = (here / "results" / "local" / "clip_dissect").iterdir()
    return found


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list:
    """The probe sets that were gathered, each with its evidence."""
    found = []
    gather = faithfulness.gather

    def watch(request, **named):
        evidence = gather(request, **named)
        found.append((request.probe, evidence))
        return evidence

    monkeypatch.setattr(faithfulness, "gather", watch)
    return found


def test_the_images_that_follow_are_scored(
    folder: Path, gathered: list, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path for path in folder.rglob("*"))
    file = tmp_path / "faithfulness.csv"
    assert main(["faithfulness", str(folder), "--out", str(file), "--alpha", "0.05"]) == 0
    assert sorted(path for path in folder.rglob("*")) == before
    [(probe, evidence)] = gathered
    assert probe == GlyphsProbe(size=48, offset=48)
    table = pd.read_csv(file)
    assert list(table) == COLUMNS
    assert table["metric"].tolist() == ["f1", "iou", "correlation", "cosine", "auprc"]
    assert set(table["images"]) == {48}
    header, row = capsys.readouterr().out.splitlines()[:2]
    value = table.set_index("metric").loc["correlation", "value"]
    assert "correlation" in header
    assert f"{value:.3f}" in row

    # The same by hand, from scenes that the world knows of these images.
    from bench.glyphs import vocabulary, world

    scenes = [entry.name for entry in vocabulary.SCENES]
    shown = [scenes[world.render(48 + index, "val").scene_id] for index in range(48)]
    labels = read_descriptions(folder).query("rank == 1").set_index("unit")["label"]
    presence = np.array([[scene == labels[unit] for unit in labels.index] for scene in shown])
    observed = Observations(evidence.activations("fc").numpy()[:, labels.index], presence, 0.05)
    for name, found in table.set_index("metric")["value"].items():
        expected = np.diag(AGREEMENTS[str(name)].compute(observed)).mean()
        assert found == pytest.approx(expected, abs=1e-6), name


def test_other_images_and_other_metrics(folder: Path, gathered: list, tmp_path: Path) -> None:
    file = tmp_path / "mad.csv"
    request = [str(folder), "probe.params.size=12", "--out", str(file)]
    assert main(["faithfulness", *request, "--metrics", "mad", "recall", "mad"]) == 0
    assert [probe for probe, _ in gathered] == [GlyphsProbe(size=12, offset=48)]
    assert pd.read_csv(file)["metric"].tolist() == ["mad", "recall"]


def test_failed_and_imported_records_are_skipped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((folder / "record.json").read_text())
    for change, reason in (({"origin": "imported"}, "imported"), ({"status": "failed"}, "failed")):
        (folder / "record.json").write_text(json.dumps({**content, **change}))
        assert main(["faithfulness", str(folder)]) == 2
        captured = capsys.readouterr()
        assert f"skipped, its {'labels are' if reason == 'imported' else 'run'} {reason}" in (
            captured.out
        )
        assert "no record can be scored" in captured.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["probe.params.offset=20"], ["labels were made with", "probe.params.offset=48"]),
        (["probe.params.variant=none"], ["probe.params.variant"]),
        (["method.params.top_k=3"], ["decides the labels", "probe.* and runtime.*"]),
        (["--metrics", "corelation"], ["nearest: correlation"]),
        (["--alpha", "1"], ["--alpha", "between 0 and 1"]),
    ],
)
def test_wrong_requests(
    folder: Path, options: list[str], says: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["faithfulness", str(folder), *options]) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in says), error


def test_a_record_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faithfulness", "probe.params.size=9"]) == 2
    assert "no record is named" in capsys.readouterr().err
