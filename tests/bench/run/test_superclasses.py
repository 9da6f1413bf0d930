"""Superclasses in a run: what decides the key, what the record says, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.errors import UserError
from bench.glyphs.vocabulary import SCENES
from bench.run.provenance import describe_concepts
from bench.run.survey import plan
from leaderboards.record import Record
from tests.bench.run.conftest import SMALL

if TYPE_CHECKING:
    from bench.run.plan import JobPlan


def planned(*overrides: str) -> JobPlan:
    [job] = plan(expand([*SMALL, "method=invert", *overrides]))
    return job


def key(*overrides: str) -> str:
    return planned(*overrides).cells[0].key


METHODS = pytest.mark.parametrize("method", ["method=invert", "method=linear_labels"])


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """The first half of the scenes, and the others, as superclasses."""
    file = tmp_path / "halves.txt"
    half = len(SCENES) // 2
    lines = [f"{s.name}\t{'one half' if n < half else 'other half'}" for n, s in enumerate(SCENES)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@METHODS
def test_the_content_decides_the_key(method: str, halves: Path, tmp_path: Path) -> None:
    setting = "method.params.superclasses="
    own = key(method)
    assert key(method, f"{setting}none") == own
    first = key(method, f"{setting}{halves}")
    assert first != own
    moved = tmp_path / "elsewhere" / halves.name
    moved.parent.mkdir()
    moved.write_bytes(halves.read_bytes())
    assert key(method, f"{setting}{moved}") == first
    moved.write_text(moved.read_text().replace("one half", "a half"))
    assert key(method, f"{setting}{moved}") != first


def test_the_record_counts_them_as_candidates(halves: Path) -> None:
    settings: list[list[str]] = [[], [f"method.params.superclasses={halves}"]]
    told = [describe_concepts(planned(*more).selection) for more in settings]
    assert [one["n"] for one in told] == [128, 130]
    assert told[0]["sha256"] != told[1]["sha256"]


def test_masks_have_them(halves: Path, tmp_path: Path) -> None:
    cell = [f"method.params.superclasses={halves}", f"runtime.cache={tmp_path}"]
    masks = planned(*cell, "probe.params.size=4").selection.probe_masks()
    assert masks is not None
    assert [label.name for label in masks.labels[128:]] == ["one half", "other half"]
    # Every image has one scene.
    assert all(sum(label >= 128 for label in masks.image(at).scalars) == 1 for at in range(4))


def test_wordnet_is_refused_for_other_images() -> None:
    with pytest.raises(UserError, match="not classes of ImageNet") as error:
        planned("method.params.superclasses=wordnet")
    assert error.value.where == "method.params.superclasses"


@pytest.mark.slow
def test_a_run_on_scenes(
    halves: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    setting = f"method.params.superclasses={halves}"
    cell = [*SMALL, "method=invert", setting, "method.params.min_fraction=0.4", "board=own"]
    assert main(["run", *cell, "runtime.cache=cache"]) == 0
    [file] = Path("results/own").rglob("record.json")
    assert Record.read(file.parent).method["params"]["superclasses"] == "halves.txt"
    labels = set(pd.read_csv(file.parent / "formulas.csv.gz")["label"])
    assert any("one half" in label or "other half" in label for label in labels)

    assert main(["faithfulness", str(file.parent), "--metrics", "iou", "--out", "found.csv"]) == 0
    assert pd.read_csv("found.csv")["unknown"].tolist() == [0]
    halves.unlink()
    assert main(["verify", str(file.parent)]) == 0
    told = capsys.readouterr().out
    assert f"masks are unknown; method.params.superclasses: there is no file {halves}" in told
