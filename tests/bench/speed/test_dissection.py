"""The benchmark of Network Dissection: both sides agree, and the page follows from the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.tally import tally
from bench.speed.benchmarks import run
from bench.speed.dissection import LEVEL, Sizes, count_differences, make_inputs
from bench.speed.plain.dissection import plain_tally, plain_thresholds

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_plain_loop_and_ours_agree_in_every_number() -> None:
    inputs = make_inputs(Sizes(images=60, units=9, mask=24, map=5), "cpu")
    thresholds = unit_quantiles(inputs.maps, LEVEL)
    np.testing.assert_array_equal(thresholds, plain_thresholds(inputs.maps, LEVEL))
    ours = tally(inputs.maps, inputs.masks, thresholds)
    assert ours.both.sum() > 0
    assert count_differences(ours, plain_tally(inputs.maps, inputs.masks, thresholds)) == 0


def test_a_pool_is_repeated() -> None:
    inputs = make_inputs(Sizes(images=5, units=2, mask=8, map=3), "cpu").repeat(13)
    batches = list(inputs.maps.batches())
    assert sum(len(batch) for batch in batches) == len(inputs.masks) == 13
    first, again, other = (inputs.masks.image(index) for index in (2, 7, 3))
    assert (first.planes == again.planes).all()
    assert first.scalars == again.scalars
    assert (first.planes != other.planes).any()


def test_the_page_and_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--images", "12", "--units", "3", "--mask", "16", "--map", "4"]
    assert run("dissection", [*sizes, "--repeats", "1", "--out", str(tmp_path)]) == 0
    [record] = tmp_path.glob("dissection-*.json")
    content = json.loads(record.read_text())
    assert [row["part"] for row in content["rows"]] == [
        "thresholds",
        "tally",
        "netdissect",
        "netdissect2020",
    ]
    assert [row["differences"] for row in content["rows"]] == [0, 0, None, None]
    assert [row["images"] for row in content["memory"]] == [12, 12, 48, 48]
    page = record.with_suffix(".md").read_text()
    assert page == capsys.readouterr().out
    assert page.startswith("# Network Dissection on ")
