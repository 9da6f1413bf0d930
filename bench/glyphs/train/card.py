"""The model card: ``card.json`` (data) and ``MODEL_CARD.md`` (written from it)."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.glyphs.planes import MASK_SIZE, PLANES
from bench.glyphs.raster import SIZE
from bench.glyphs.train.milan_card import milan_lines
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES
from bench.glyphs.weights import MEAN, STD, file_sha256
from bench.glyphs.world import SPLITS, fingerprint

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "timm", "numpy")


def hardware(device: str, threads: int) -> dict[str, Any]:
    """Return the hardware of a training: device, processor, threads, versions of packages."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return {
        "device": device,
        "processor": model,
        "threads": threads,
        "versions": {name: version(name) for name in _PACKAGES},
    }


def world_record() -> dict[str, Any]:
    """Return the record of the world that the networks were trained on."""
    return {
        "fingerprint": fingerprint(),
        "image_size": SIZE,
        "seeds": dict(SPLITS),
        "mean": list(MEAN),
        "std": list(STD),
        "objects": len(OBJECTS),
        "unnamed_objects": [entry.name for entry in OBJECTS if not entry.named_in_captions],
        "scenes": len(SCENES),
        "colours": len(COLOURS),
        "textures": len(TEXTURES),
    }


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card in a folder, or an empty one."""
    path = folder / "card.json"
    if not path.exists():
        return {"world": world_record(), "parts": {}}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def add_record(folder: Path, part: str, record: dict[str, Any], file: Path | None = None) -> None:
    """Add a part's record to the card and rewrite both files.

    Args:
        folder: Folder of the card.
        part: Name of the part; ``dissect`` stands beside the parts.
        record: What to say of it.
        file: Its shipped weights, whose size and hash are noted.
    """
    card = read_card(folder)
    card["world"] = world_record()
    if file is not None:
        record = {
            **record,
            "file": file.name,
            "bytes": file.stat().st_size,
            "sha256": file_sha256(file),
        }
    if part == "dissect":
        card["dissect"] = record
    else:
        card["parts"][part] = record
    _write(folder / "card.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    _write(folder / "MODEL_CARD.md", render_card(card))


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _percent(value: float) -> str:
    # Two digits where one would turn nearly all into all.
    digits = 2 if value < 1 and round(100 * value, 1) == 100 else 1
    return f"{100 * value:.{digits}f} %"


def _cycle_line(number: int, recipe: dict[str, Any]) -> str:
    stages = ", ".join(f"{s['images']:,} at {s['size']} px" for s in recipe["stages"])
    return (
        f"- Cycle {number}: image presentations {stages}; seed {recipe['seed']}, batch "
        f"{recipe['batch']}, peak rate {recipe['rate']}, weight decay {recipe['decay']}, "
        f"{'AdamW' if recipe['adam'] else 'SGD'}, one cycle, bfloat16 autocast"
    )


def _part_lines(name: str, part: dict[str, Any]) -> list[str]:
    if name == "milan":
        lines = milan_lines(part)
        table = lines.index("")
        return ["## milan", "", *lines[:table], *_file_lines(part), *lines[table:], ""]
    machine = part["hardware"]
    scores = ", ".join(
        f"{key.replace('_', ' ')} {_percent(value)}" for key, value in part["accuracy"].items()
    )
    accuracy = f"- Accuracy on {part['validation_images']:,} images of the split `val`: {scores}"
    lines = [
        f"## {name}",
        "",
        f"- Architecture: {part['architecture']}",
        *(_segmenter_lines(part) if name == "segmenter" else [accuracy]),
        f"- {part['images']:,} training images of the split `train`",
        *(_cycle_line(number, cycle) for number, cycle in enumerate(part["cycles"], start=1)),
        (
            f"- Training took {part['seconds'] / 60:.0f} minutes on {machine['processor']} "
            f"({machine['device']}, {machine['threads']} thread(s), shared with other work; "
            f"torch {machine['versions']['torch']})"
        ),
    ]
    lines += _file_lines(part)
    if name == "segmenter":
        lines += _plane_table(part)
    return [*lines, ""]


def _file_lines(part: dict[str, Any]) -> list[str]:
    if "file" not in part:
        return ["- Weights not shipped; rebuild them with `dissectbench train glyphs`"]
    size = part["bytes"] / 1e6
    return [f"- File `{part['file']}`, {size:.1f} MB, sha256 `{part['sha256']}`"]


def _segmenter_lines(part: dict[str, Any]) -> list[str]:
    start = part["starts_from"]
    return [
        (
            f"- Stem and first three stages start from `{start['file']}` (sha256 "
            f"`{start['sha256'][:16]}`), and go on learning"
        ),
        (
            "- Trained on exact masks: it knows the names of all objects, those that no caption "
            "names included. Color, object and texture mark the visible pixels of objects, scene "
            "those of the bare scene; clutter and occluders have no label"
        ),
        (
            f"- Weight of the loss over pixels with a label, beside that over all pixels: "
            f"{part['marked_weight']}"
        ),
    ]


def _plane_table(part: dict[str, Any]) -> list[str]:
    """Return the segmenter's accuracies by plane."""
    rows = []
    for plane in PLANES:
        names = [f"{plane.category}_{name}" for name in ("pixels", "marked", "mean_iou")]
        cells = " | ".join(_percent(part["accuracy"][name]) for name in names)
        rows.append(f"| {plane.category} | {len(plane.names)} | {cells} |")
    return [
        "",
        (
            f"Measured on {part['validation_images']:,} images of the split `val`, at "
            f"{MASK_SIZE} x {MASK_SIZE} pixels. All pixels: share that is right, where it is also "
            "right to say nothing of a pixel without a label. Labelled pixels: the same of the "
            "pixels with a label. Mean IoU: over the labels, each taken over all images at once."
        ),
        "",
        "| plane | labels | all pixels | labelled pixels | mean IoU |",
        "| :-- | --: | --: | --: | --: |",
        *rows,
    ]


def render_card(card: dict[str, Any]) -> str:
    """Return the card as Markdown.

    Args:
        card: The data of ``card.json``.

    Returns:
        The text of ``MODEL_CARD.md``.
    """
    world = card["world"]
    lines = [
        "# Networks of the embedded world",
        "",
        (
            "Written by code from `card.json`. Accuracies are measured from the shipped files "
            "(targets in int8 with a scale per output channel, the rest in float16)."
        ),
        "",
        f"The world: {world['objects']} objects, {world['scenes']} scenes, {world['colours']} "
        f"colours, {world['textures']} textures; {world['image_size']} px; fingerprint "
        f"`{world['fingerprint'][:16]}`; split seeds "
        + ", ".join(f"{name} {seed}" for name, seed in world["seeds"].items())
        + f". Inputs of the targets: mean {world['mean']}, deviation {world['std']}.",
        "",
        (
            "Objects that no caption names, neither by name nor by a listed synonym, but describes "
            f"by kind or use: {', '.join(world['unnamed_objects'])}. Whatever the encoder knows of "
            "their names comes through the language tower."
        ),
        "",
    ]
    for name, part in card["parts"].items():
        lines += _part_lines(name, part)
    if "dissect" in card:
        found = card["dissect"]
        lines += [
            "## CLIP-Dissect over these networks",
            "",
            f"soft_wpmi on the object network's final layer, {found['images']:,} probe images:",
            "",
            (
                f"- from the list of object names: top-1 {_percent(found['top1_object_list'])} "
                f"(named in captions {_percent(found['top1_named'])}, unnamed "
                f"{_percent(found['top1_unnamed'])})"
            ),
            (
                f"- from the {found['words']:,} commonest English words: mean sentence cosine "
                f"{found['cosine']:.3f}; best constant word {found['constant']:.3f}, best word per "
                f"unit {found['oracle']:.3f}; normalised {found['normalised']:.3f}"
            ),
            "",
            "The sentence cosine shares its text tower with the encoder: it is circular.",
            "",
        ]
    return "\n".join(lines)
