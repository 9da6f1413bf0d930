"""A forecast counts what is left, and once; its speeds are those of the networks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.run import sample
from bench.run.forecast import calibrate
from bench.run.sample import Sample
from bench.run.survey import plan

if TYPE_CHECKING:
    from pathlib import Path

    from bench.run.forecast import Work

REQUEST = (
    "target=glyphs_scenes",
    "concepts=glyphs_scenes",
    "probe.params.size=48",
    "runtime.progress=false",
)
SWEEP = "method.params.similarity=wpmi,cos_similarity"


def works(*changes: str) -> dict[tuple[str, str], Work]:
    jobs = expand([*REQUEST, *changes], multirun=True)
    return {(work.what, work.unit): work for work in calibrate(plan(jobs)).works}


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speeds that are known."""
    speeds = {"image_of_target": 0.25, "image_of_encoder": 0.5, "text": 2.0, "cell": 10.0}
    for name, speed in speeds.items():
        monkeypatch.setattr(Sample, name, lambda *_, speed=speed: speed)


def test_what_jobs_share_is_counted_once(
    steady: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = works(SWEEP)
    target, encoder = found["glyphs_scenes fc", "images"], found["glyphs", "images"]
    assert (target.items, target.seconds) == (48, 12.0)
    assert (encoder.items, encoder.seconds) == (48, 24.0)
    assert found["text encoder", "texts"].items == 25
    cells = {what: work.items for (what, unit), work in found.items() if unit == "cells"}
    assert cells == {
        "matching: clip_dissect wpmi, 25 words": 1,
        "matching: clip_dissect cos_similarity, 25 words": 1,
    }


def test_what_is_done_is_not_counted(
    steady: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert works() == {}
    left = works(SWEEP)
    assert {unit for _, unit in left} == {"cells"}
    # Another set of images has to be looked at; the words are the same.
    fresh = works("probe.params.size=32")
    assert fresh["glyphs_scenes fc", "images"].items == 32
    assert ("text encoder", "texts") not in fresh


def test_masks_are_not_timed(steady: None, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sample, "cell", _CELL)
    found = works("method=netdissect")
    [cell] = [work for (_, unit), work in found.items() if unit == "cells"]
    assert cell.seconds is None
    assert found["glyphs_scenes fc", "images"].items == 48  # whose maps nobody has kept


def test_a_calibrated_method_is_timed(
    steady: None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sample, "cell", _CELL)
    monkeypatch.setattr(sample, "SAMPLE", 24)
    [cell] = [work for (_, unit), work in works("method=linear").items() if unit == "cells"]
    assert cell.seconds is not None
    assert 0 < cell.seconds < 60


_CELL = Sample.cell


def test_speeds_are_measured(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that takes 20 ms longer an image is found to."""
    monkeypatch.setattr(sample, "SAMPLE", 8)
    monkeypatch.setattr(sample, "_WARM", 2)
    from bench.parts.targets import GlyphsTarget

    whole = GlyphsTarget.load

    def slow(self: GlyphsTarget, device: str) -> object:
        loaded = whole(self, device)
        loaded.module.register_forward_pre_hook(lambda _, given: time.sleep(0.02 * len(given[0])))
        return loaded

    monkeypatch.setattr(GlyphsTarget, "load", slow)
    found = works("probe.params.size=32", "method.params.similarity=wpmi")
    spent = found["glyphs_scenes fc", "images"].seconds
    assert spent is not None
    assert 32 * 0.02 < spent < 32 * 0.5
    matching = found["matching: clip_dissect wpmi, 25 words", "cells"].seconds
    assert matching is not None
    assert 0 <= matching < 10


def test_the_command_says_it(
    steady: None, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["plan", "--time", *REQUEST, "probe.params.size=32"]) == 0
    shown = capsys.readouterr().out
    assert "about 34 s in all" in shown  # 32 * 0.25 + 32 * 0.5 + 10
    assert main(["plan", "--time", *REQUEST]) == 0
    assert "no time is needed" in capsys.readouterr().out
    monkeypatch.setenv("DISSECTBENCH_DATA", str(here / "data"))
    assert main(["plan", "--time", *REQUEST[:2], "probe=tiny_imagenet"]) == 0
    shown = capsys.readouterr().out
    assert "not timed: 1 of 1 jobs, which have unmet requirements" in shown
    assert "no time is needed" not in shown
