"""Disk space is bounded before the first job; what cannot fit is refused."""

from __future__ import annotations

import shutil
from collections import namedtuple
from typing import TYPE_CHECKING

from bench.__main__ import main
from bench.config.compose import expand
from bench.run import disk
from bench.run.disk import bound_disk, read_shapes
from bench.run.survey import plan

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from bench.run.plan import JobPlan

SMALL = ("target=glyphs_scenes", "concepts=glyphs_scenes", "probe.params.size=48")
Usage = namedtuple("Usage", "total used free")


def plans(*changes: str) -> list[JobPlan]:
    return plan(expand([*SMALL, *changes], multirun=True))


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_shapes_are_those_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shapes = read_shapes(plans("target.layers=[layer3,layer4,fc]", "target.truth_layer=fc"))
    assert {layer: shape for (_, layer), shape in shapes.items()} == {
        "layer3": (256, 64),
        "layer4": (512, 16),
        "fc": (25, 1),
    }


def test_a_network_runs_once_for_its_shapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shapes = read_shapes(plans("target.layers=[layer4,fc]", "target.truth_layer=fc"))
    monkeypatch.setattr(disk, "_run_once", lambda *_: {})
    assert read_shapes(plans("target.layers=[layer4,fc]", "target.truth_layer=fc")) == shapes
    assert len(shapes) == 2
    assert not read_shapes(plans("target.layers=[layer4]", "target.pooling=max"))


def test_the_bound_is_above_what_a_run_writes(here: Path) -> None:
    again = plans("results=again", "runtime.cache=again/.cache")
    bound = bound_disk(again, read_shapes(again))
    assert bound.complete
    written = sum(
        size_of(here / "results/.cache" / kind)
        for kind in ("activations", "image_embeddings", "text", "scores")
    )
    assert written < sum(bound.cache.values()) < 50 * written
    assert size_of(here / "results/local") < bound.records


def test_shared_evidence_and_finished_cells_count_once(here: Path) -> None:
    shapes = read_shapes(plans("results=again"))
    one = bound_disk(plans("results=again"), shapes)
    two = bound_disk(plans("results=again", "seed=0,1"), shapes)
    assert two.cache["activations"] == one.cache["activations"] > 0
    assert two.cache["score matrices"] == 2 * one.cache["score matrices"]
    assert not sum(bound_disk(plans(), shapes).jobs)
    masks = bound_disk(plans("method=netdissect"), shapes).cache
    assert masks["maps"] == 48 * 25 * 4
    assert masks["masks"] > 0


def test_evidence_in_the_cache_is_subtracted(here: Path) -> None:
    other = plans("seed=1")
    shapes = read_shapes(other)
    assert bound_disk(other, shapes).cache["activations"] > 0
    left = bound_disk(other, shapes, present=True).cache
    assert left["activations"] == left["image embeddings"] == 0


def test_the_cache_is_pruned_to_its_limit() -> None:
    bound = disk.DiskBound({"maps": 100}, largest=30, records=5, jobs=(105,), complete=True)
    assert bound.cache_peak(50) == 80
    assert bound.cache_peak(90) == 100
    assert bound.cache_peak(0) == 100


def test_what_cannot_fit_is_refused_before_the_first_job(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 10_000))
    assert main(["run", *SMALL, "seed=1", "runtime.progress=false"]) == 2
    shown = capsys.readouterr().err
    assert "the request may write" in shown
    assert " 0.0 GB" not in shown
    assert "hint: free some space" in shown
    assert len(list(here.rglob("record.json"))) == 1
    assert main(["run", *SMALL, "runtime.progress=false"]) == 0  # nothing is left to write
