"""Train any part of the embedded world's networks."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from bench.files import check_writable, sha256_file
from bench.glyphs.train import milan
from bench.glyphs.train.cache import load_split
from bench.glyphs.train.card import add_record, hardware, read_card
from bench.glyphs.train.encoder import RECIPE, accuracies, train_encoder
from bench.glyphs.train.regions import load_regions
from bench.glyphs.train.segmenter import SEGMENTER_RECIPE, segmenter_scores, train_segmenter
from bench.glyphs.train.targets import CYCLES, accuracy, train_target
from bench.glyphs.weights import FOLDER, TARGETS, sha256_shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.milan.evaluate import Embedder

_LOG = logging.getLogger(__name__)

PARTS = ("objects", "scenes", "encoder", "segmenter", "milan", "resnet50_objects")
TRAIN_IMAGES = 48_000
BARE_SCENES = 2_500
VALIDATION_IMAGES = 4_000
VALIDATION_MASKS = 1_000
"""Number of images for measuring the segmenter, 4,096 pixels each."""


def _cycles(part: str) -> list[dict[str, Any]]:
    if part == "milan":
        return milan.cycles()
    recipes = {**CYCLES, "encoder": (RECIPE,), "segmenter": (SEGMENTER_RECIPE,)}[part]
    return [recipe.record() for recipe in recipes]


def _finished(out: Path, part: str) -> bool:
    """Return whether the card has this part, of the current recipe, and its file is intact."""
    record: dict[str, Any] | None = read_card(out)["parts"].get(part)
    wanted = json.loads(json.dumps(_cycles(part)))
    if record is None or record["cycles"] != wanted:
        return False
    if "file" not in record:
        return True
    path = out / record["file"]
    packed = path.with_name(f"{path.name}.gz")  # as it is shipped
    if packed.exists():
        return sha256_shipped(packed) == str(record["sha256"])
    return path.exists() and sha256_file(path) == str(record["sha256"])


def train_glyphs(
    parts: Sequence[str] = PARTS,
    out: Path = FOLDER,
    scratch: Path = Path("glyphs_training"),
    device: str | None = None,
    *,
    load_embedder: Callable[[], Embedder],
) -> dict[str, dict[str, Any]]:
    """Train parts of the embedded world; write weights, card and model card.

    An interrupted part continues from its last checkpoint in ``scratch``; a finished one is
    skipped. Files are written completely or not at all.

    Args:
        parts: Any of ``PARTS``, in the order to train them.
        out: Folder for the weights and the card.
        scratch: Folder for rendered images (3.4 GB), checkpoints, and unshipped weights.
        device: torch device; None for a GPU if there is one.
        load_embedder: Loads the sentence encoder that scores the MILAN decoder.

    Returns:
        The card's record of each requested part.

    Raises:
        ValueError: A part is unknown.
    """
    if unknown := [part for part in parts if part not in PARTS]:
        raise ValueError(f"unknown part {unknown[0]!r}; valid: {', '.join(PARTS)}")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_writable(out, "--out")
    scratch.mkdir(parents=True, exist_ok=True)
    for part in parts:
        if _finished(out, part):
            _LOG.info("%s is finished", part)
        else:
            _train(part, out, scratch, device, load_embedder)
    done: dict[str, dict[str, Any]] = read_card(out)["parts"]
    return {part: done[part] for part in parts}


def _train(
    part: str, out: Path, scratch: Path, device: str, load_embedder: Callable[[], Embedder]
) -> None:
    data = load_split(scratch, "train", TRAIN_IMAGES)
    check = load_split(scratch, "val", VALIDATION_IMAGES)
    checked = len(check.images)
    if part == "encoder":
        bare = load_split(scratch, "train", BARE_SCENES, "scenes_only")
        record = train_encoder(data, bare, out, scratch, device)
        scores = accuracies(check, out / "encoder.safetensors")
    elif part == "segmenter":
        truth = load_regions(scratch, "train", TRAIN_IMAGES)
        record = train_segmenter(data, truth, out, scratch, device)
        seen = load_regions(scratch, "val", VALIDATION_MASKS)
        scores = segmenter_scores(check, seen, out / "segmenter.safetensors")
        checked = len(seen.maps)
    elif part == "milan":
        record = milan.train_milan(data, out, scratch, load_embedder, device)
        scores, checked = record.pop("accuracy"), record.pop("checked")
    else:
        record = train_target(part, data, out, scratch, device)
        folder = out if part in TARGETS else scratch
        scores = {"top1": accuracy(part, check, folder / f"{part}.safetensors")}
    record["hardware"] = hardware(device, torch.get_num_threads())
    record["validation_images"] = checked
    record["accuracy"] = scores
    shipped = out / f"{part}.safetensors"
    add_record(out, part, record, shipped if shipped.exists() else None)
    for checkpoint in scratch.glob(f"{part}.*.ckpt"):
        checkpoint.unlink()
