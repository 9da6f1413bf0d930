"""The benchmark of the search for sentences: both sides agree, and the page is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from bench.speed.benchmarks import run
from bench.speed.captioning import Sizes, compare, make_inputs
from bench.speed.plain import captioning as plain

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Sizes(units=3, exemplars=4, features=8, hidden=6, beam=5, vocabulary=14, max_length=6)


def test_plain_loop_and_ours_agree() -> None:
    rows, found = compare(make_inputs(SMALL, "cpu"), repeats=1)
    assert [row["part"] for row in rows] == ["beam", "log p(s)", "rerank"]
    assert found["same_best"] == 1
    assert found["max_difference"] < 1e-4
    assert 0 < found["mean_length"] < 6
    assert rows[2]["ours_s"] == pytest.approx(rows[0]["ours_s"] + rows[1]["ours_s"])


def test_differing_sides_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(model: object, tokens: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(tokens))

    monkeypatch.setattr(plain, "log_priors", other)
    with pytest.raises(ValueError, match="scores differ"):
        compare(make_inputs(SMALL, "cpu"), repeats=1)


def test_the_page_and_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {"units": 2, "features": 8, "hidden": 6, "beam": 4, "vocabulary": 14, "exemplars": 3}
    words = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    assert run("captioning", [*words, "--repeats", "1", "--out", str(tmp_path)]) == 0
    [record] = tmp_path.glob("captioning-*.json")
    content = json.loads(record.read_text())
    assert content["sizes"]["beam"] == 4
    assert [row["part"] for row in content["rows"]] == ["beam", "log p(s)", "rerank"]
    page = record.with_suffix(".md").read_text()
    assert page == capsys.readouterr().out
    assert page.startswith("# Sentences for units on ")


def test_a_beam_wider_than_the_vocabulary_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("captioning", ["--beam", "20", "--vocabulary", "22", "--out", str(tmp_path)]) == 2
    assert "--beam: 20 exceeds the number of words, 19" in capsys.readouterr().err
