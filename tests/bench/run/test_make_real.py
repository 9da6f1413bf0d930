"""`make real` from a server of our own: fetched through a break, timed, run, and its board."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.downloads import http
from bench.run import sample
from leaderboards.storage import find_records
from tests.bench.downloads.hub_server import Hub, serve_hub
from tests.bench.downloads.server import Site, handler, serve
from tests.bench.run.real_made import IMAGES, SYNSETS, put_images, put_models, put_networks

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
ONE_NETWORK = "target=resnet18_imagenet concepts=imagenet_classes runtime.progress=false"
BOTH = "concepts=imagenet_classes,wordfreq_3k runtime.progress=false"


def recipe(target: str, less: str) -> list[list[str]]:
    """The commands of a target of the Makefile, as its program gets them."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    [lines] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    words = [shlex.split(line.replace("$(REAL)", less)) for line in lines.splitlines()]
    assert all(line[0] == "$(BIN)/dissectbench" for line in words)
    return [line[1:] for line in words]


def make(target: str, less: str) -> int:
    """Run a target as make does: it stops at the first command that fails."""
    for command in recipe(target, less):
        if code := main(command):
            return code
    return 0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A machine that has nothing yet, and all that it fetches on a server beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("COLUMNS", "150")
    for name in ("DISSECTBENCH_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(sample, "SAMPLE", 4)
    monkeypatch.setattr(sample, "_WARM", 1)
    own, hub = Site(), Hub()
    with serve(handler(own)) as own.url, serve_hub(hub, monkeypatch, tmp_path / "hub"):
        put_networks(own, monkeypatch)
        put_images(own, monkeypatch)
        put_models(hub, tmp_path / "made", monkeypatch)
        yield own


@pytest.mark.slow
def test_one_network_through_a_break(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    # The connection breaks after 5 MB, and then nobody answers.
    site.cut_after, site.status = [5_000_000], [200, 503, 503, 503]
    assert make("real", ONE_NETWORK) == 1
    first = capsys.readouterr()
    assert "resumes after 5,000,000 bytes" in first.err
    assert "licence  BSD-3-Clause" in first.out
    assert "size     ~46.8 MB" in first.out
    assert re.search(r"\nin all \d+ MB\n", first.out)
    assert "experiment=real_resnet" not in first.out
    assert make("real", ONE_NETWORK) == 0
    shown = capsys.readouterr().out
    assert site.ranges_asked[-1] == "bytes=5000000-"
    assert "8 cells: 8 to run" in shown
    assert re.search(rf"resnet18_imagenet fc +{IMAGES} +images", shown)
    assert re.search(r"about \S+ \w+ in all", shown)
    check_records(8)
    check_board({"torchvision resnet18"})


@pytest.mark.slow
def test_both_networks(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert make("real", BOTH) == 0
    shown = capsys.readouterr().out
    assert "26 cells: 26 to run" in shown
    assert re.search(rf"resnet50_imagenet fc +{IMAGES} +images", shown)
    check_records(26)
    check_board({"torchvision resnet18", "torchvision resnet50"})
    # Once more: all is here, and all is done.
    asked = len(site.asked)
    assert make("real", BOTH) == 0
    again = capsys.readouterr().out
    assert "resnet18_imagenet: already here" in again
    assert "26 cells: 26 done" in again
    assert "no time is needed" in again
    assert len(site.asked) == asked


def check_records(count: int) -> None:
    """Every cell is done, and judged by both models over the classes that appear."""
    found = find_records(Path("results") / "real_resnet")
    assert not found.problems
    assert len(found.records) == count
    for folder, record in found.records:
        assert record.status == "ok"
        assert (record.probe["n"], record.counts["units"]) == (IMAGES, 1000)
        [file] = folder.glob("scores/*.json")
        told = json.loads(file.read_text(encoding="utf-8"))
        assert told["scoring"]["truth"]["units"] == len(SYNSETS)
        for name in ("accuracy_at_1", "clip_cosine", "sentence_cosine"):
            # Formulas of so few noisy images cover nothing: a unit without a label has no cosine.
            silent = record.method["name"] == "compositional" and "cosine" in name
            assert told["scores"][name]["value"] is not None or silent
        given = "captions" if record.method["name"] == "clip_dissect" else "class labels"
        assert given in record.method["given"]


def check_board(targets: set[str]) -> None:
    """The board has every network, and what each phase took."""
    board = Path("results/boards/real_resnet")
    with gzip.open(board / "results.csv.gz", "rt", encoding="utf-8") as file:
        assert {row["target"] for row in csv.DictReader(file)} == targets
    costs = (board / "costs.md").read_text(encoding="utf-8")
    assert all(phase in costs for phase in ("gather", "text", "match"))
