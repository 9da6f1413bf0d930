"""A run beside a cache that is too large, or that nobody may write to."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from bench.__main__ import main
from bench.evidence.inventory import list_entries

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

CACHE = Path("results/.cache")


def scores_of(board: str) -> dict[str, Any]:
    [file] = Path("results", board).glob("*/*/scores/*.json")
    return dict(json.loads(file.read_text(encoding="utf-8"))["scores"])


def test_a_run_keeps_its_cache_under_the_limit(here: Path, run: Callable[..., int]) -> None:
    before = {info.key for info in list_entries(CACHE)}
    assert run("board=other", "probe.params.size=40", "runtime.cache_limit_gb=1e-6") == 0
    left = list_entries(CACHE)
    gone = before - {info.key for info in left}
    assert gone  # the evidence of 48 images
    own = {info.kind: info for info in left if info.manifest and info.state == "complete"}
    assert own["activations"].manifest["parts"]["n"] == 40
    assert {"activations", "image_embeddings", "scores"} <= set(own)
    assert scores_of("other")["mean_rank"]["value"] is not None


def test_a_run_beside_a_cache_that_refuses(
    here: Path, run: Callable[..., int], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Scores as with a cache, ranks included; one warning; nothing is written."""
    root = Path("refusing")
    real = os.mkdir

    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        if Path(path).is_relative_to(root) or Path(path).is_relative_to(root.absolute()):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", mkdir)
    assert run("board=other", f"runtime.cache={root}") == 0
    assert capsys.readouterr().err.count("cannot be written to") == 1
    assert scores_of("other") == scores_of("local")
    assert not root.exists()


def test_a_record_of_before_the_limit_can_be_scored(here: Path) -> None:
    [file] = Path("results/local").glob("*/*/config.yaml")
    config = OmegaConf.load(file)
    del config["runtime"]["cache_limit_gb"]
    OmegaConf.save(config, file)
    assert main(["score", "results/local", "scoring.seed=7"]) == 0
    assert len(list(file.parent.glob("scores/*.json"))) == 2


def test_a_run_deletes_what_killed_runs_left(here: Path, run: Callable[..., int]) -> None:
    name = f".0123456789abcdef.{'a' * 32}.tmp"
    left = [Path("results/local/clip_dissect", name), CACHE / "activations" / "ab" / name]
    for folder in left:
        folder.mkdir(parents=True)
        os.utime(folder, (0, 0))
    assert run("method.params.similarity=wpmi") == 0
    assert not [folder for folder in left if folder.exists()]
