"""The benchmark of the authors' functions reads their file, and writes record and page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.speed.benchmarks import run as run_benchmark

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = """
import sys

def cos_similarity(clip_feats, target_feats, device="cuda"):
    assert device == "cpu"
    print("a shape")
    print("a bar", file=sys.stderr)
    scores = clip_feats.double() / clip_feats.double().norm(dim=0)
    return {factor} * (target_feats.double() / target_feats.double().norm(dim=0)).T @ scores

def rank_reorder(clip_feats, target_feats, device="cuda"):
    assert target_feats.shape[1] == 2
    return target_feats.T @ clip_feats
"""


def run(file: Path, out: Path, functions: str = "cos_similarity rank_reorder") -> int:
    sizes = "--images 60 --units 7 --concepts 9 --loop-units 2 --repeats 2"
    words = [*sizes.split(), "--file", str(file), "--out", str(out)]
    return run_benchmark("official", [*words, "--functions", *functions.split()])


def test_the_page_and_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "similarity.py"
    file.write_text(STAND_IN.format(factor=1))
    assert run(file, tmp_path) == 0
    [record] = tmp_path.glob("official-*.json")
    content = json.loads(record.read_text())
    cosine, reorder = content["rows"]
    assert cosine["function"] == "cos_similarity"
    assert cosine["difference"] < 1e-6
    assert (cosine["official_units"], cosine["ours_units"], cosine["plain_units"]) == (7, 7, 7)
    assert reorder["difference"] is None
    assert (reorder["official_units"], reorder["ours_units"], reorder["plain_units"]) == (2, 7, 2)
    page = record.with_suffix(".md").read_text()
    printed = capsys.readouterr()
    assert page == printed.out
    assert "a bar" not in printed.err
    assert page.startswith("# CLIP-Dissect's own functions on ")
    ratio = cosine["official_s"] / cosine["ours_s"]
    assert f"| **{ratio:.2f}x** |" in page


def test_a_difference_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "similarity.py"
    file.write_text(STAND_IN.format(factor=2))
    assert run(file, tmp_path, "cos_similarity") == 0
    [record] = tmp_path.glob("official-*.json")
    [row] = json.loads(record.read_text())["rows"]
    assert 0.1 < row["difference"] < 1


def test_a_function_that_returns_no_scores_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "similarity.py"
    file.write_text("def cos_similarity(*inputs, device): ...")
    assert run(file, tmp_path, "cos_similarity") == 2
    assert "its cos_similarity does not return scores" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("def cos_similarity(): ...", "missing functions: rank_reorder"),
        ("import no_such_package_here", "pip install no_such_package_here"),
        ("1 / 0", "it raises an error: division by zero"),
    ],
)
def test_an_invalid_file_is_an_error(
    text: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "similarity.py"
    if text is not None:
        file.write_text(text)
    assert run(file, tmp_path) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("official-*"))
