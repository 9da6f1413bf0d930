"""The training entry, on a handful of images: it skips, resumes, and writes whole parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bench.files import sha256_file
from bench.glyphs.train import annotated, encoder, loop, milan, run, segmenter, targets
from bench.glyphs.train.loop import Recipe, Stage, fit
from bench.glyphs.train.sources import Source
from bench.glyphs.weights import card
from bench.milan.fit import Schedule
from bench.milan.train import Plan
from bench.parts.sentences import SentenceTransformer

if TYPE_CHECKING:
    from pathlib import Path

TINY = Recipe((Stage(32, 32),), batch=16, rate=1e-3, decay=0.01, adam=True, seed=1)


def _load_embedder():
    return SentenceTransformer().load("cpu")


def test_finished_parts_are_skipped(tmp_path: Path) -> None:
    """The shipped parts are those of the present recipes: nothing is trained again."""
    parts = ("objects", "scenes", "encoder", "segmenter", "milan")
    records = run.train_glyphs(parts, scratch=tmp_path, load_embedder=_load_embedder)
    assert records == {part: card()["parts"][part] for part in parts}
    assert list(tmp_path.iterdir()) == []


def test_unknown_part_is_named(tmp_path: Path) -> None:
    """An unknown part's error lists those there are."""
    with pytest.raises(ValueError, match="resnet50_objects"):
        run.train_glyphs(["faces"], out=tmp_path, scratch=tmp_path, load_embedder=_load_embedder)


def _fit(path: Path, recipe: Recipe) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.LazyLinear(2)
    )
    model(torch.zeros(1, 3, 16, 16))
    images = np.random.default_rng(0).integers(0, 255, (40, 128, 128, 3)).astype(np.uint8)
    truth = torch.arange(40) % 2

    def loss(output: torch.Tensor, index: np.ndarray, _: np.random.Generator) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(output, truth[torch.from_numpy(index)])

    fit(model, images, loss, recipe, path)
    return {key: value.clone() for key, value in model.state_dict().items()}


def test_an_interrupted_run_ends_where_a_whole_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Continuing from a checkpoint gives the weights of an uninterrupted run."""
    recipe = replace(TINY, stages=(Stage(16, 96),), batch=8)
    whole = _fit(tmp_path / "whole.ckpt", recipe)
    monkeypatch.setattr(loop, "_SAVE_EVERY_S", 0.0)
    save = loop._save

    def interrupt(path: Path, state: dict[str, object]) -> None:
        save(path, state)
        if state["step"] == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _fit(tmp_path / "part.ckpt", recipe)
    monkeypatch.setattr(loop, "_save", save)
    resumed = _fit(tmp_path / "part.ckpt", recipe)
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def _make_milan_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    once = Schedule(epochs=1)
    sources = (
        Source("shufflenet_v2_x1_0", "scenes", ("stage2", "fc"), replace(TINY, seed=3)),
        Source("resnet18", "objects", ("layer1", "fc"), replace(TINY, seed=4), held_out=True),
    )
    monkeypatch.setattr(milan, "SOURCES", sources)
    monkeypatch.setattr(
        milan, "PLAN", Plan(hidden=16, language_hidden=8, decoder=once, language=once)
    )
    monkeypatch.setattr(milan, "IMAGES", 40)
    monkeypatch.setattr(milan, "CHECKED", 20)
    for name, count in {"BLOCK": 20, "DRAW": 30, "DRAWS": 2}.items():
        monkeypatch.setattr(annotated, name, count)


@pytest.mark.slow
def test_all_parts_train_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part of a tiny run leaves weights, a record and a readable card."""
    counts = {"TRAIN_IMAGES": 48, "BARE_SCENES": 16, "VALIDATION_IMAGES": 24, "VALIDATION_MASKS": 8}
    for name, count in counts.items():
        monkeypatch.setattr(run, name, count)
    monkeypatch.setattr(encoder, "RECIPE", TINY)
    monkeypatch.setattr(run, "RECIPE", TINY)
    monkeypatch.setattr(segmenter, "SEGMENTER_RECIPE", TINY)
    monkeypatch.setattr(run, "SEGMENTER_RECIPE", TINY)
    for part, cycles in targets.CYCLES.items():
        tiny = [replace(TINY, seed=number) for number in range(1, 1 + len(cycles))]
        monkeypatch.setitem(targets.CYCLES, part, tuple(tiny))
    _make_milan_tiny(monkeypatch)
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    records = run.train_glyphs(run.PARTS, out, scratch, device="cpu", load_embedder=_load_embedder)
    assert list(records) == list(run.PARTS)
    for part in ("objects", "scenes", "encoder", "segmenter"):
        assert sha256_file(out / f"{part}.safetensors") == records[part]["sha256"]
        shipped = card()["parts"][part]["bytes"]
        assert abs((out / f"{part}.safetensors").stat().st_size - shipped) < 1000
    assert sha256_file(out / "milan.safetensors") == records["milan"]["sha256"]
    assert {"bleu_pmi", "cosine_pmi", "cosine_constant"} <= records["milan"]["accuracy"].keys()
    assert "file" not in records["resnet50_objects"]
    assert (scratch / "resnet50_objects.safetensors").exists()
    assert not list(scratch.glob("*.ckpt"))
    assert records["segmenter"]["validation_images"] == 8
    written = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "resnet50" in written
    assert "| scene | 25 |" in written
    stamp = (out / "objects.safetensors").stat().st_mtime_ns
    run.train_glyphs(["objects"], out, scratch, device="cpu", load_embedder=_load_embedder)
    assert (out / "objects.safetensors").stat().st_mtime_ns == stamp
