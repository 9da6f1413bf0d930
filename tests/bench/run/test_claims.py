"""Sweeps at once compute each cell once; what a killed process claimed is taken over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from baselines.clip_dissect import ClipDissect
from bench.run import claims
from bench.run.claims import Claims, is_held, wait_for_release

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = Path("results/local/clip_dissect")
WPMI = "method.params.similarity=wpmi"

WORKER = """
import os, sys, time
from pathlib import Path
from bench.run.claims import Claims, wait_for_release

root, name = Path(sys.argv[1]), sys.argv[2]
left = [root / f"cell{number}" for number in range(10)]
while left:
    for folder in list(left):
        with Claims() as claims:
            if not claims.take(folder):
                continue
            left.remove(folder)
            if not folder.exists():
                with open(root / "log", "a") as log:
                    log.write(f"{folder.name} {name}\\n")
                if name == "killed":
                    time.sleep(60)
                time.sleep(0.02)
                folder.mkdir()
    wait_for_release(left, poll_s=0.02)
"""


def start(root: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(root), name])


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEW_S", 0.02)
    monkeypatch.setattr(claims, "STALE_S", 0.4)


def rewrite(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_four_processes_share_ten_cells_and_take_over_those_of_a_killed_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    killed = start(tmp_path, "killed")
    wait_for(log.exists)
    others = [start(tmp_path, str(number)) for number in range(4)]
    wait_for(lambda: len(log.read_text().splitlines()) == 10)
    assert (tmp_path / ".cell0.claim").exists()  # by now all others wait for it
    killed.send_signal(signal.SIGKILL)
    assert [process.wait(30) for process in others] == [0] * 4
    killed.wait(30)
    done = [line.split() for line in log.read_text().splitlines()]
    assert done[0] == ["cell0", "killed"]
    assert sorted(cell for cell, _ in done[1:]) == [f"cell{number}" for number in range(10)]
    assert not list(tmp_path.glob(".*"))


def test_a_claim_names_its_process_and_ends_with_its_block(tmp_path: Path) -> None:
    cell = tmp_path / "board" / "cell"
    with Claims() as own:
        assert own.take(cell)
        assert own.take(cell)
        content = json.loads((tmp_path / "board" / ".cell.claim").read_text())
        assert content["pid"] == os.getpid()
        assert content.keys() == {"host", "pid", "started", "token", "renewed"}
        with Claims() as other:
            assert not other.take(cell)
        assert is_held(cell)
    assert not is_held(cell)
    assert list(cell.parent.iterdir()) == []


def test_a_renewed_claim_of_another_machine_is_respected(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = tmp_path / "cell"
    with Claims() as own:
        assert own.take(cell)
        monkeypatch.setattr(claims, "host", lambda: "another machine")
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            assert is_held(cell)
            time.sleep(0.05)


@pytest.mark.parametrize("text", [None, "", '{"host": "el'])
def test_a_claim_that_is_not_renewed_is_taken_over(
    tmp_path: Path, quick: None, text: str | None
) -> None:
    cell, file = tmp_path / "cell", tmp_path / ".cell.claim"
    with Claims() as lost:
        assert lost.take(cell)
        lost._held.clear()  # its thread has stopped
        if text is None:
            rewrite(file, host="another machine", pid=1)
        else:
            file.write_text(text)
        with Claims() as own:
            assert not own.take(cell)
            wait_for_release([cell], poll_s=0.02)
            assert own.take(cell)
            token = json.loads(file.read_text())["token"]
            lost._held[file] = "of the first claim"
            time.sleep(0.1)
            assert json.loads(file.read_text())["token"] == token
    assert not file.exists()


@pytest.mark.parametrize("changes", [{"pid": 2**22 + 1}, {"started": 1.0}])
def test_a_claim_of_a_process_that_is_gone_is_stale_at_once(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    cell = tmp_path / "cell"
    with Claims() as gone:
        assert gone.take(cell)
        rewrite(tmp_path / ".cell.claim", **changes)
        assert not is_held(cell)


def test_a_new_claim_is_not_removed_with_the_stale_one_before_it(tmp_path: Path) -> None:
    cell, file = tmp_path / "cell", tmp_path / ".cell.claim"
    with Claims() as own:
        assert own.take(cell)
        text = file.read_text()
        claims._remove(file, "the stale one")
        assert file.read_text() == text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_claims_is_used_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Path.open

    def refuse(path: Path, mode: str = "r", **named: Any) -> Any:
        if mode == "x":
            raise PermissionError(1, "not permitted")
        return sound(path, mode, **named)

    monkeypatch.setattr(Path, "open", refuse)
    with Claims() as own:
        assert own.take(tmp_path / "cell")


def test_a_stale_claim_that_cannot_be_removed_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".cell.claim").mkdir()
    monkeypatch.setattr(claims, "STALE_S", 0.0)
    monkeypatch.setattr(claims, "_remove", lambda *_: None)
    with Claims() as own:
        assert own.take(tmp_path / "cell")


def test_a_file_in_the_place_of_the_results_is_no_claim(tmp_path: Path) -> None:
    (tmp_path / "board").write_text("")
    with Claims() as own:
        assert own.take(tmp_path / "board" / "cell")


@pytest.mark.parametrize("completed", [True, False])
def test_a_run_goes_on_to_the_next_cell_and_returns_to_a_claimed_one(
    completed: bool,
    here: Path,
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another process gives the first cell back, finished or not, while the second is described."""
    before = set(CELLS.iterdir())
    assert run(WPMI) == 0
    [cell] = set(CELLS.iterdir()) - before
    cell.rename(here / "elsewhere")
    other = Claims()
    other.__enter__()
    assert other.take(cell)
    describe, described = ClipDissect.describe, []

    def wrapper(method: ClipDissect, *arguments: Any, **named: Any) -> Any:
        described.append(method.similarity)
        if method.similarity == "cos_similarity":
            if completed:
                (here / "elsewhere").rename(cell)
            other.__exit__()
        return describe(method, *arguments, **named)

    monkeypatch.setattr(ClipDissect, "describe", wrapper)
    capsys.readouterr()
    assert run("-m", "method.params.similarity=wpmi,cos_similarity") == 0
    assert described == (["cos_similarity"] if completed else ["cos_similarity", "wpmi"])
    said = capsys.readouterr()
    assert "2 cells: 2 done" in said.out
    assert "left to another process" in said.err
    assert not [path for path in CELLS.iterdir() if path.name.startswith(".")]


SWEEP = """
import os, sys
from baselines.clip_dissect import ClipDissect
from bench.__main__ import main

describe = ClipDissect.describe

def counted(method, *arguments, **named):
    with open("described", "a") as file:
        file.write(f"{method.similarity} {named['seed']}\\n")
    return describe(method, *arguments, **named)

ClipDissect.describe = counted
sys.exit(main(["run", *sys.argv[1:]]))
"""


@pytest.mark.slow
def test_four_sweeps_at_once_describe_ten_cells_once(here: Path, small: tuple[str, ...]) -> None:
    request = [*small, "board=many", "-m", "method.params.similarity=wpmi,soft_wpmi"]
    command = [sys.executable, "-c", SWEEP, *request, "seed=1,2,3,4,5"]
    sweeps = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for sweep in sweeps:
        assert "10 cells: 10 done" in sweep.communicate(timeout=300)[0]
        assert sweep.returncode == 0
    described = Path("described").read_text().splitlines()
    assert sorted(described) == sorted(
        f"{similarity} {seed}" for similarity in ("wpmi", "soft_wpmi") for seed in range(1, 6)
    )
    folder = Path("results/many/clip_dissect")
    assert len(list(folder.glob("*/timings.jsonl"))) == 10
    assert not list(folder.glob(".*"))
