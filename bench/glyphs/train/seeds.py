"""Train the network of objects from other seeds, with a short recipe.

Scores of a method on these networks show how much they vary between trainings of one architecture.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
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

    from bench.glyphs.train.cache import RenderedSplit

_LOG = logging.getLogger(__name__)

PART = "objects"
TRAIN_IMAGES = 16_000
VALIDATION_IMAGES = 1_000
SHORT = Recipe((Stage(48, 40_000), Stage(80, 10_000), Stage(128, 2_560)), 64, 2e-3, warm=0.08)
"""Some six minutes on one core, a twelfth of the shipped network's recipe."""


def train_seeds(seeds: Sequence[int], out: Path, scratch: Path, device: str) -> dict[str, Any]:
    """Train one network per seed; write their weights and ``seeds.json``.

    Skip a seed whose file is complete and of the present recipe.

    Args:
        seeds: Seeds of initial weights, order and augmentation.
        out: Folder for ``objects-seed<N>.safetensors``, which ``target.params.file`` loads.
        scratch: Folder for rendered images (1 GB) and checkpoints.
        device: torch device.

    Returns:
        The content of ``seeds.json``: recipe, accuracy, seconds and hardware by seed.
    """
    check_writable(out, "--out")
    scratch.mkdir(parents=True, exist_ok=True)
    listed = out / "seeds.json"
    records: dict[str, Any] = json.loads(listed.read_text()) if listed.exists() else {}
    for seed in seeds:
        recipe = replace(SHORT, seed=seed)
        file = out / f"{PART}-seed{seed}.safetensors"
        if _is_finished(records.get(str(seed)), recipe, file):
            _LOG.info("%s is finished", file.name)
            continue
        data = load_split(scratch, "train", TRAIN_IMAGES)
        check = load_split(scratch, "val", VALIDATION_IMAGES)
        records[str(seed)] = _train_seed(recipe, file, data, check, scratch, device)
        write_atomic(listed, json.dumps(records, indent=1) + "\n")
    return records


def _is_finished(record: dict[str, Any] | None, recipe: Recipe, file: Path) -> bool:
    wanted = json.loads(json.dumps([recipe.record()]))
    if record is None or record["cycles"] != wanted or not file.exists():
        return False
    return sha256_file(file) == str(record["sha256"])


def _train_seed(
    recipe: Recipe,
    file: Path,
    data: RenderedSplit,
    check: RenderedSplit,
    scratch: Path,
    device: str,
) -> dict[str, Any]:
    record = train_target(
        PART, data, file.parent, scratch, device, cycles=(recipe,), name=file.stem
    )
    for checkpoint in scratch.glob(f"{file.stem}.*.ckpt"):
        checkpoint.unlink()
    return {
        **record,
        "accuracy": {"top1": accuracy(PART, check, file)},
        "validation_images": len(check.images),
        "hardware": hardware(device, torch.get_num_threads()),
        "sha256": sha256_file(file),
    }
