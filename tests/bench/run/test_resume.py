"""Finished work is recognised: nothing of it is loaded, run or written again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from baselines.clip_dissect import ClipDissect
from bench.evidence import model_cache
from bench.parts.targets import GlyphsTarget

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = Path("results/local/clip_dissect")


def snapshot(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Where every file lies, and when it was last written."""
    files = sorted(folder.rglob("*"))
    return {file: ((s := file.stat()).st_ino, s.st_mtime_ns, s.st_size) for file in files}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is loaded, as it happens."""
    seen: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            seen.append(name)
            return function(*arguments)

        return wrapper

    monkeypatch.setattr(GlyphsTarget, "load", counted("target", GlyphsTarget.load))
    monkeypatch.setattr(model_cache, "_load", counted("encoder", model_cache._load))
    return seen


def test_a_finished_cell_is_left_alone(
    here: Path, run: Callable[..., int], loads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(here)
    assert run() == 0
    assert "1 done" in capsys.readouterr().out
    assert snapshot(here) == before
    assert loads == []
    assert run("probe.params.size=33") == 0
    assert set(loads) == {"target", "encoder"}


def test_a_finished_cell_needs_no_torch(here: Path, small: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "assert main(['run', *sys.argv[1:]]) == 0\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *small], cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 done" in done.stdout


def test_a_sweep_runs_only_what_is_missing(
    here: Path,
    run: Callable[..., int],
    loads: list[str],
    described: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    [first] = CELLS.iterdir()
    before = snapshot(here / first)
    assert run("-m", "method.params.similarity=wpmi,soft_wpmi,cos_similarity") == 0
    assert described == ["wpmi", "cos_similarity"]
    assert "encoder" not in loads  # the evidence is in the cache
    said = capsys.readouterr()
    assert "3 cells: 3 done" in said.out
    assert "[2/2]" in said.err
    assert len(list(CELLS.iterdir())) == 3
    assert snapshot(here / first) == before


@pytest.mark.parametrize("spelling", ["100", "null"])
def test_a_default_that_is_spelt_out_is_the_same_cell(
    spelling: str, here: Path, run: Callable[..., int], described: list[str]
) -> None:
    before = snapshot(here)
    assert run(f"method.params.top_k={spelling}") == 0
    assert described == []
    assert snapshot(here) == before


def test_two_spellings_in_one_sweep_run_once(
    here: Path, run: Callable[..., int], described: list[str]
) -> None:
    assert run("-m", "method.params.similarity=wpmi", "method.params.top_k=28,null") == 0
    assert described == ["wpmi"]
    assert len(list(CELLS.iterdir())) == 2


def test_a_new_layer_beside_a_finished_one(
    here: Path, run: Callable[..., int], described: list[str]
) -> None:
    [first] = CELLS.iterdir()
    before = snapshot(here / first)
    assert run("target.layers=[layer4,fc]") == 0
    assert described == ["soft_wpmi"]
    assert snapshot(here / first) == before
    [new] = set(CELLS.iterdir()) - {first}
    assert json.loads((new / "record.json").read_text())["target"]["layer"] == "layer4"


def test_another_label_rule_only_scores(
    here: Path, run: Callable[..., int], described: list[str]
) -> None:
    [folder] = CELLS.iterdir()
    before = snapshot(here / folder)
    assert run("scoring.official_labels=true") == 0
    assert described == []
    after = snapshot(here / folder)
    assert len(list(folder.glob("scores/*.json"))) == 2
    scores = here / folder / "scores"
    assert {file: after[file] for file in before if file != scores} == {
        file: stamp for file, stamp in before.items() if file != scores
    }


def test_a_record_that_was_cut_short_is_made_again(
    here: Path, run: Callable[..., int], described: list[str]
) -> None:
    [folder] = CELLS.iterdir()
    labels = (folder / "descriptions.csv.gz").read_bytes()
    record = folder / "record.json"
    record.write_bytes(record.read_bytes()[:100])
    (folder / "descriptions.csv.gz").unlink()
    assert run() == 0
    assert described == ["soft_wpmi"]
    assert json.loads(record.read_text())["status"] == "ok"
    assert (folder / "descriptions.csv.gz").read_bytes() == labels
    assert [path.name for path in CELLS.iterdir()] == [folder.name]


def test_an_interruption_leaves_no_half_a_record(
    here: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(CELLS)

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ClipDissect, "describe", interrupted)
        assert run("method.params.similarity=wpmi") == 130
    assert snapshot(CELLS) == before
    assert not Path("results/.jobs").exists()
    assert run("method.params.similarity=wpmi") == 0
    assert len(list(CELLS.iterdir())) == 2


def test_an_interruption_before_the_scores_loses_no_timing(
    here: Path, run: Callable[..., int], described: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def phases() -> list[str]:
        [file] = Path("results/few").rglob("timings.jsonl")
        [timing] = map(json.loads, file.read_text().splitlines())
        return [phase["name"] for phase in timing["phases"]]

    with monkeypatch.context() as patch:
        patch.setattr("bench.run.execute.score_record", interrupted)
        assert run("board=few") == 130
    assert "match" in phases()
    assert "score" not in phases()
    assert run("board=few") == 0
    assert described == ["soft_wpmi"]
    assert phases()[-1] == "score"
    assert run("board=few", "scoring.official_labels=true") == 0
    assert phases().count("score") == 1
