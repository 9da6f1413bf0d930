"""Spread of scores over networks of several training seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from leaderboards.board import load_board
from leaderboards.pages.render import render_scores

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {1: 0.2, 2: 0.4, 3: 0.6}


def _put(root: Path, build: Any, **params: Any) -> None:
    for similarity, more in (("wpmi", 0.0), ("soft_wpmi", 0.1)):
        value = VALUES.get(params.get("seed", 0), 0.9) + more
        name = f"{similarity}{params}"
        target = {
            **build.make_record().target,
            "name": "glyphs",
            "params": {"net": "objects", **params},
            "fingerprint": {"weights": build.short(str(params))},
        }
        record = replace(build.make_record(similarity), key=build.short(name), target=target)
        build.put(root, record, build.make_scores(value))


def test_mean_and_deviation_over_seeds(tmp_path: Path, build: Any) -> None:
    """The deviation is that of a sample; a network without a seed is not among them."""
    for seed in VALUES:
        _put(tmp_path, build, seed=seed, file=f"objects-seed{seed}.safetensors")
    _put(tmp_path, build)
    board = load_board([tmp_path])
    found = board.seeds.set_index(["metric", "method"]).loc["lexical_match"]
    one = found.loc["clip_dissect soft_wpmi"]
    assert one["target"] == "glyphs objects"
    assert one[["seeds", "mean", "sd", "low", "high"]].tolist() == pytest.approx(
        [3, 0.5, 0.2, 0.3, 0.7]
    )
    files = render_scores(board)
    assert "seeds.csv" in files
    front = files["README.md"].decode()
    assert "## Between training seeds" in front
    row = "clip_dissect soft_wpmi | 0.500 | 0.200 | [0.30, 0.70] | 3"
    assert row in " ".join(front.split())
    assert len(board.tables) == 4


def test_one_seed_has_no_spread(tmp_path: Path, build: Any) -> None:
    """Other settings are no seeds: they are not pooled."""
    _put(tmp_path, build, seed=1)
    _put(tmp_path, build, seed=2, size=64)
    board = load_board([tmp_path])
    assert board.seeds.empty
    assert "seeds.csv" not in render_scores(board)
