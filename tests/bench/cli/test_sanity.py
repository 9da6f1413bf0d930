"""`dissectbench sanity`: the table beside the paper's, the file, wrong requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.__main__ import main
from bench.cli import sanity
from metrics.sanity import DRAWS, IMAGES

if TYPE_CHECKING:
    from pathlib import Path


def test_the_table_stands_beside_the_papers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sanity.csv"
    names = ["iou", "recall", "wpmi", "recall_auc"]
    assert main(["sanity", "--draws", "20", "--out", str(file), "--metrics", *names]) == 0
    header, *lines = (line.split() for line in capsys.readouterr().out.splitlines())
    assert " ".join(header) == "metric missing paper extra paper networks passes paper"
    rows = {words[0]: " ".join(words[1:]) for words in lines if words}
    assert rows["iou"] == "100.0 100.0 100.0 100.0 93.6 99.8 yes yes"
    assert rows["recall"] == "100.0 100.0 0.0 0.0 98.7 0.0 no no"
    assert rows["wpmi"] == "100.0 100.0 100.0 100.0 95.9 58.8 yes no"
    assert rows["recall_auc"] == "100.0 100.0 60.0 60.0 no"  # the paper does not judge it
    checks = pd.read_csv(file)
    assert list(checks) == ["metric", "share", "test", "change", "expected", "falls"]
    assert len(checks) == len(names) * 5 * 2


def test_defaults_are_the_papers() -> None:
    assert (sanity.DRAWS, sanity.IMAGES) == (DRAWS, IMAGES) == (1_000, 500_000)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--metrics", "iuo"], ["unknown metric 'iuo'", "nearest: iou"]),
        (["--metrics", "iou", "probe.params.size=3"], ["put it before --metrics"]),
        (["--metrics", "iou", "results/local"], ["put it before --metrics"]),
        (["--draws", "0"], ["--draws", "give 1 or more"]),
        (["--images", "1000"], ["--images", "at least 20", "500,000"]),
        (["--metrics", "iou", "--draws", "1", "--out", "/dev/null/x.csv"], ["--out"]),
        (["--images", "0"], ["--images", "at least 20"]),
        (["--seed", "-1"], ["--seed", "give 0 or more"]),
        (["--alpha", "0.1"], ["--alpha", "name a RECORD"]),
        (["--alpha", "0"], ["--alpha", "name a RECORD"]),
        (["--correct"], ["--correct", "name a RECORD"]),
        (["probe.params.size=3"], ["no record is named"]),
        (["x", "method.name=invert"], ["decides the labels", "probe.* and runtime.*"]),
        (["x", "--images", "50"], ["--images", "probe.params.size"]),
        (["x", "--alpha", "2"], ["--alpha", "between 0 and 1"]),
    ],
)
def test_wrong_requests(
    options: list[str], says: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sanity", *options]) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in says), error
