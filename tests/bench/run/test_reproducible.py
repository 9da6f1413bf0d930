"""Equal settings give equal bytes; another batch size changes nothing that is decided."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import main
from bench.evidence import Store
from bench.glyphs.vocabulary import SCENES
from bench.run.labels import load_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIMILARITIES = ("soft_wpmi", "rank_reorder")
SWEEP = ("-m", "target.layers=[layer4,fc]", f"method.params.similarity={','.join(SIMILARITIES)}")
CELLS = "results/local/clip_dissect"
DECIDED = 2e-4
"""Top two scores that differ by more than this may not change places (DESIGN, section 5)."""
TOLERANCE = 5e-4
"""How far a score may move (DESIGN, section 6)."""


@pytest.fixture(scope="module")
def first(fresh_run: Callable[..., Path]) -> Path:
    return fresh_run(*SWEEP, "runtime.batch_size=64")


@pytest.fixture(scope="module")
def again(fresh_run: Callable[..., Path], text_memo: dict[object, object]) -> Path:
    text_memo.clear()
    return fresh_run(*SWEEP, "runtime.batch_size=64")


@pytest.fixture(scope="module")
def sevens(fresh_run: Callable[..., Path]) -> Path:
    return fresh_run(*SWEEP, "runtime.batch_size=7")


def keys(working_directory: Path) -> list[str]:
    return sorted(folder.name for folder in (working_directory / CELLS).iterdir())


def pairs(first: Path, second: Path) -> Iterator[tuple[Path, Path]]:
    """The folders of the same cells in two working directories."""
    assert keys(first) == keys(second)
    assert len(keys(first)) == 2 * len(SIMILARITIES)
    for key in keys(first):
        yield first / CELLS / key, second / CELLS / key


def matrix(working_directory: Path, folder: Path) -> NDArray[np.float32]:
    """The full score matrix of a cell, from the cache."""
    units = json.loads((folder / "record.json").read_text())["target"]["units"]
    words = tuple(scene.name for scene in SCENES)
    store = Store(working_directory / "results" / ".cache")
    found = load_scores(store, folder.name, units, words)
    assert found is not None
    return found


def best_labels(folder: Path) -> pd.Series[str]:
    table = pd.read_csv(folder / "descriptions.csv.gz")
    return table[table["rank"] == 1].set_index("unit").label


def test_the_same_run_twice_gives_the_same_bytes(first: Path, again: Path) -> None:
    compared = 0
    for one, two in pairs(first, again):
        tables = [one / "descriptions.csv.gz", *sorted((one / "scores").iterdir())]
        for table in tables:
            other = two / table.relative_to(one)
            assert table.read_bytes() == other.read_bytes(), table.relative_to(first)
            compared += 1
    assert compared == 3 * 2 * len(SIMILARITIES)


def test_boards_of_the_same_runs_are_the_same_bytes(
    first: Path, again: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (first, again):
        monkeypatch.chdir(folder)
        assert main(["board", "results", "--out", "board"]) == 0
        assert main(["board", "results", "--out", "board", "--check"]) == 0
    for name in ("README.md", "board.md", "results.csv.gz", "summary.csv"):
        made = (first / "board" / name).read_bytes()
        assert made == (again / "board" / name).read_bytes(), name
        assert str(first).encode() not in made
    results = pd.read_csv(first / "board" / "results.csv.gz")
    assert set(keys(first)) <= set(results.astype(str).to_numpy().ravel())


def test_the_batch_size_decides_no_label(first: Path, sevens: Path) -> None:
    decided = 0
    for one, two in pairs(first, sevens):
        scores = matrix(first, one)
        top = np.sort(np.where(np.isfinite(scores), scores, -np.inf), axis=1)[:, -2:]
        clear = np.flatnonzero(top[:, 1] - top[:, 0] > DECIDED)
        mine, theirs = best_labels(one), best_labels(two)
        assert mine.index.equals(theirs.index)
        units = np.intersect1d(clear, mine.index).tolist()
        assert [mine[unit] for unit in units] == [theirs[unit] for unit in units]
        decided += len(units)
    assert decided > 500


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_batch_size_moves_no_score_beyond_the_tolerance(
    similarity: str, first: Path, sevens: Path
) -> None:
    compared = 0
    for one, two in pairs(first, sevens):
        params = json.loads((one / "record.json").read_text())["method"]["params"]
        if params["similarity"] != similarity:
            continue
        # rank_reorder divides by the root of a mean score: near 0 no absolute bound can hold.
        relative = TOLERANCE if similarity == "rank_reorder" else 0
        np.testing.assert_allclose(
            matrix(first, one), matrix(sevens, two), rtol=relative, atol=TOLERANCE
        )
        compared += 1
    assert compared == 2
