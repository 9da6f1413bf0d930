"""Processes of a launcher and another number of threads give equal results under equal keys."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from leaderboards.record import Record
from leaderboards.record_tables import read_descriptions
from leaderboards.scores import read_scores
from leaderboards.timings import read_timings
from tests.bench.run.test_launch import LAUNCHER

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

DECIDED = 2e-4
"""Difference of a unit's two best scores above which its label must stay."""
RELATIVE = 1e-4
"""How far scores may move; those of matching cross zero, so relative to the unit's largest."""

SWEEP = ("board=same", "runtime.offline=true", "-m", "method.params.similarity=soft_wpmi,wpmi")
WAYS = {
    "local": ("runtime.threads=1",),
    "threads": ("runtime.threads=2",),
    "joblib": ("runtime.threads=1", "hydra/launcher=spawn", "hydra.launcher.at_once=2"),
}


def run(here: Path, small: tuple[str, ...], way: str) -> dict[str, Path]:
    """Run two cells in a process of their own; return their folders by key."""
    plugins = here / "plugins" / "hydra_plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (plugins / "spawn_launcher.py").write_text(LAUNCHER)
    path = os.pathsep.join([str(plugins.parent), os.environ.get("PYTHONPATH", "")])
    results = [f"results={way}", f"runtime.cache={way}/cache"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", *small, *results, *WAYS[way], *SWEEP],
        cwd=here, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {folder.name: folder for folder in (here / way / "same" / "clip_dissect").iterdir()}


def values(file: Path) -> dict[str, float]:
    """Return the scores that have a value."""
    scores = read_scores(file).scores
    return {name: score.value for name, score in scores.items() if score.value is not None}


def assert_equal_labels(first: pd.DataFrame, second: pd.DataFrame) -> None:
    tables = [
        table.pivot_table(index="unit", columns="rank", values="score") for table in (first, second)
    ]
    change = (tables[0] - tables[1]).abs().max(axis="columns")
    assert (change <= RELATIVE * tables[0].abs().max(axis="columns")).all()
    decided = (tables[0][1] - tables[0][2]) > DECIDED
    assert decided.sum() > 10
    best = [table[table["rank"] == 1].set_index("unit").label for table in (first, second)]
    assert (best[0] == best[1])[decided].all()


@pytest.mark.slow
def test_launcher_and_threads_change_no_result(tmp_path: Path, small: tuple[str, ...]) -> None:
    local = run(tmp_path, small, "local")
    assert len(local) == 2
    for way, launcher, threads in (("threads", "basic", 2), ("joblib", "spawn", 1)):
        other = run(tmp_path, small, way)
        assert other.keys() == local.keys()
        for key, folder in other.items():
            environment = Record.read(folder).environment
            assert (environment["launcher"], environment["threads"]) == (launcher, threads)
            assert environment["device"] == Record.read(folder).run["device"]
            assert_equal_labels(read_descriptions(local[key]), read_descriptions(folder))
            [name] = [file.name for file in (folder / "scores").glob("*.json")]
            first, second = (values(one / "scores" / name) for one in (local[key], folder))
            assert len(first) > 10
            assert second == pytest.approx(first, rel=RELATIVE)
    timings = [timing for folder in local.values() for timing in read_timings(folder)[0]]
    assert sorted(timing["earlier_cells"] for timing in timings) == [0, 1]
