"""Cells of real networks on a few small images; other libraries' caches in folders of ours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = ("sea", "forest", "umbrella", "red", "street")


@dataclass(frozen=True)
class Run:
    """What a run left.

    Attributes:
        records: Each cell's record, by layer, in no order.
        truth: True names by unit, by layer.
    """

    records: dict[str, dict[str, Any]]
    truth: dict[str, dict[int, str]]

    @property
    def widths(self) -> dict[str, int]:
        return {layer: record["counts"]["units"] for layer, record in self.records.items()}


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own folders and settings out of it; the working directory is a new one."""
    for name in ("DISSECTBENCH_HOME", "DISSECTBENCH_DATA", "TORCH_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("DISSECTBENCH_OFFLINE", "1")
    monkeypatch.delenv("DISSECTBENCH_CACHE", raising=False)
    for name in ("HYDRA_FULL_ERROR", "PYTHONSAFEPATH"):
        monkeypatch.setenv(name, "1")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """Where torchvision keeps what it downloads."""
    folder = tmp_path / "torch_home" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where `dissectbench fetch` puts weights."""
    folder = tmp_path / "dissectbench_data" / "weights"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence cache of all tests: what a key does not tell apart shows as a wrong result."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run_cells(away: Path, shared_cache: Path) -> Callable[..., Run]:
    """`dissectbench run` on four small images and five words."""

    def run(*overrides: str) -> Run:
        folder = away / "images"
        folder.mkdir(exist_ok=True)
        for seed in range(4):
            pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{seed}.png")
        (away / "words.txt").write_text("\n".join(WORDS), encoding="utf-8")
        common = (
            "probe=folder", "probe.params.path=images", "concepts=file",
            "concepts.params.path=words.txt", "encoder=glyphs", "runtime.progress=false",
            "scoring=none", f"runtime.cache={shared_cache}",
        )  # fmt: skip
        assert main(["run", *common, *overrides]) == 0
        records, truth = {}, {}
        for file in (away / "results").rglob("record.json"):
            record = json.loads(file.read_text(encoding="utf-8"))
            assert record["status"] == "ok"
            layer = record["target"]["layer"]
            [scored] = file.parent.glob("scores/*.json")
            records[layer] = record
            units = pd.read_csv(scored.with_suffix(".units.csv.gz"), keep_default_na=False)
            named = units[units.truth != ""]
            truth[layer] = dict(zip(named.unit, named.truth, strict=True))
        return Run(records, truth)

    return run
