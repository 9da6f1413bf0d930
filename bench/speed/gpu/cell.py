"""The five-layer cell of CLIP-Dissect from JPEG files to labels, in two precisions and plainly."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.cell_job import (
    Files,
    Setting,
    compose_job,
    make_files,
    read_labels,
    run_job,
    sum_phases,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.speed.gpu.sheet import Sheet
    from bench.speed.gpu.sizes import Sizes


_WARM = 1_024
"""Images of a first job in each precision; later short ones have twice and three times as many."""

_SHARE = 0.75
"""Part of the time left that the two passes are planned to take."""


def run(sheet: Sheet, sizes: Sizes) -> None:
    """Run the cell in each precision over one number of images, then the plain procedure."""
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = make_files(
            folder, sizes.arch, sizes.encoder, images=sizes.cell_images, concepts=sizes.concepts
        )
        setting = Setting(
            "clip_dissect", sizes.arch, sizes.layers, sizes.encoder, sizes.cell_images,
            sheet.device, sizes.batch_size, os.cpu_count() or 1,
        )  # fmt: skip
        sheet.say(setting={**dataclasses.asdict(setting), "concepts": sizes.concepts})
        precisions = both_precisions(sheet.device)
        few = max(1, min(_WARM, sizes.cell_images // 4))
        for precision in precisions:  # compiles and starts what later jobs find ready
            warm = dataclasses.replace(setting, precision=precision, images=few)
            sheet.row(f"warm up {precision}", partial(_cell, files, warm, folder / "cell"))
        setting = _best_workers(sheet, files, setting, 2 * few, folder)
        per_image = 0.0
        for precision in precisions:
            short = dataclasses.replace(setting, precision=precision, images=3 * few)
            row = sheet.row(f"short {precision}", partial(_cell, files, short, folder / "cell"))
            per_image += 1 / row["images_per_s"] if row["status"] == "ok" else 0.0
        images = sizes.cell_images
        if per_image:
            images = max(1, min(images, int(_SHARE * sheet.left / per_image)))
        setting = dataclasses.replace(setting, images=images)
        labels = []
        for precision in precisions:
            cell = dataclasses.replace(setting, precision=precision)
            row = sheet.row(precision, partial(_cell, files, cell, folder / "cell"))
            if row["status"] == "ok":
                labels.append(read_labels(compose_job(files, cell, folder / "cell")))
        if len(labels) == len(precisions):
            sheet.row("labels", partial(_differing, sizes.layers, *labels))
        share = dataclasses.replace(setting, images=max(1, int(images * sizes.plain_share)))
        for precision in precisions:
            plain = dataclasses.replace(share, precision=precision)
            sheet.row(f"plain {precision}", partial(_plain, files, plain, folder / "plain"))


def _best_workers(
    sheet: Sheet, files: Files, setting: Setting, images: int, folder: Path
) -> Setting:
    """Choose the number of decoding threads that gives most images a second in half precision.

    Threads share Python's lock with the one that launches the networks: more of them decode more,
    until they keep that one waiting.
    """
    half, _ = both_precisions(setting.device)
    rates: dict[int, float] = {}
    for at, workers in enumerate(sorted({max(1, setting.workers // part) for part in (4, 2, 1)})):
        # One image more each time, so that no pass finds its evidence made.
        cell = dataclasses.replace(setting, precision=half, images=images + at, workers=workers)
        row = sheet.row(f"{workers} threads", partial(_cell, files, cell, folder / "cell"))
        if row["status"] == "ok":
            rates[workers] = row["images_per_s"]
    best = max(rates, key=rates.__getitem__, default=setting.workers)
    sheet.say(workers=best)
    return dataclasses.replace(setting, workers=best)


def both_precisions(device: str) -> tuple[str, str]:
    """Half precision, as the authors' encoder runs on a GPU, and single; the quicker one first.

    CPUs have no quick arithmetic for float16.
    """
    return ("float16" if device.startswith("cuda") else "bfloat16"), "float32"


def _cell(files: Files, setting: Setting, results: Path) -> dict[str, Any]:
    outcome = run_job(compose_job(files, setting, results))
    phases = sum_phases(outcome.timings)
    if any(phase["cached"] for phase in phases if phase["name"] == "gather"):
        raise RuntimeError(f"the evidence on {setting.images} images came from the cache")
    return {
        "images": setting.images,
        "images_per_s": setting.images / _seconds(phases, "gather"),
        "cell_s": sum(_seconds(phases, name) for name in ("gather", "text", "match")),
        "bound_by": bound_of_gather(phases, setting.workers),
        "units": [timing["units"] for timing in outcome.timings],
        "phases": phases,
    }


def bound_of_gather(phases: Sequence[Mapping[str, Any]], workers: int) -> dict[str, float]:
    """How long each of the things that go on side by side in a pass takes by itself, in seconds.

    Args:
        phases: Of `sum_phases`.
        workers: Threads that decode; their seconds are divided among them.

    Returns:
        {"decoding", "target", "encoder"}; the longest bounds the pass, and what the pass takes
        beyond it is what did not go on side by side.
    """
    seconds = {phase["name"]: phase["device_s"] or phase["wall_s"] for phase in phases}
    return {
        "decoding": seconds.get("gather/decode", 0.0) / max(1, workers),
        "target": seconds.get("gather/target_forward", 0.0),
        "encoder": seconds.get("gather/image_encoding", 0.0),
    }


def _seconds(phases: Sequence[Mapping[str, Any]], name: str) -> float:
    return next(float(phase["wall_s"]) for phase in phases if phase["name"] == name)


def _differing(
    layers: Sequence[str], half: list[list[str]], whole: list[list[str]]
) -> dict[str, Any]:
    """For how many units of each layer the two precisions give other labels."""
    rows = []
    for layer, ours, theirs in zip(layers, half, whole, strict=True):
        differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
        rows.append({"layer": layer, "units": len(ours), "differ": differ})
    return {"layers": rows}


def _plain(files: Files, setting: Setting, results: Path) -> dict[str, Any]:
    from bench.run.selection import build_selection
    from bench.speed.plain_cell import describe

    parts = build_selection(compose_job(files, setting, results).config)
    phases = describe(
        parts, setting.device, setting.batch_size, setting.workers, precision=setting.precision
    )
    return {
        "images": setting.images,
        "images_per_s": setting.images / _seconds(phases, "gather"),
        "phases": phases,
    }
