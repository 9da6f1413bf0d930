"""Train the networks of objects or scenes from other seeds, with short recipes.

Scores of a method on these networks show how much they vary between trainings of one architecture.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import torch

from bench.files import check_writable, sha256_file, write_atomic
from bench.glyphs.train.cache import load_split
from bench.glyphs.train.card import hardware
from bench.glyphs.train.loop import Recipe, Stage
from bench.glyphs.train.targets import accuracy, train_target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LOG = logging.getLogger(__name__)

TRAIN_IMAGES = 16_000
VALIDATION_IMAGES = 1_000


def _recipe(*stages: tuple[int, int]) -> Recipe:
    return Recipe(tuple(Stage(*stage) for stage in stages), batch=64, rate=2e-3, warm=0.08)


SHORT = {
    "objects": _recipe((48, 32_000), (80, 6_000), (128, 1_536)),
    "scenes": _recipe((48, 16_000), (80, 3_000), (128, 1_024)),
}
"""Some eight and four minutes on one core, where the shipped networks took 73 and six."""


def train_seeds(
    seeds: Sequence[int], out: Path, scratch: Path, device: str, parts: Sequence[str] = ("objects",)
) -> dict[str, Any]:
    """Train one network per seed and part; write their weights and ``seeds.json``.

    Skip files that are complete and of the present recipe; continue from a checkpoint.

    Args:
        seeds: Seeds of initial weights, order and augmentation.
        out: Folder for ``objects-seed<N>.safetensors``, which ``target.params.file`` loads.
        scratch: Folder for rendered images (0.8 GB) and checkpoints.
        device: torch device.
        parts: Keys of ``SHORT``.

    Returns:
        The content of ``seeds.json``: recipe, accuracy, seconds and hardware by name of the file.
    """
    check_writable(out, "--out")
    scratch.mkdir(parents=True, exist_ok=True)
    listed = out / "seeds.json"
    records: dict[str, Any] = json.loads(listed.read_text()) if listed.exists() else {}
    for part, seed in product(parts, seeds):
        recipe = replace(SHORT[part], seed=seed)
        name = f"{part}-seed{seed}"
        if _is_finished(records.get(name), recipe, out / f"{name}.safetensors"):
            _LOG.info("%s is finished", name)
            continue
        data = load_split(scratch, "train", TRAIN_IMAGES)
        record = train_target(part, data, out, scratch, device, cycles=(recipe,), name=name)
        records[name] = record | _describe(part, out / f"{name}.safetensors", scratch, device)
        write_atomic(listed, json.dumps(records, indent=1) + "\n")
        for checkpoint in scratch.glob(f"{name}.*.ckpt"):
            checkpoint.unlink()
    return records


def _describe(part: str, file: Path, scratch: Path, device: str) -> dict[str, Any]:
    check = load_split(scratch, "val", VALIDATION_IMAGES)
    return {
        "accuracy": {"top1": accuracy(part, check, file)},
        "validation_images": len(check.images),
        "hardware": hardware(device, torch.get_num_threads()),
        "sha256": sha256_file(file),
    }


def _is_finished(record: dict[str, Any] | None, recipe: Recipe, file: Path) -> bool:
    wanted = json.loads(json.dumps([recipe.record()]))
    if record is None or record["cycles"] != wanted or not file.exists():
        return False
    return sha256_file(file) == str(record["sha256"])
