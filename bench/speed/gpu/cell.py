"""Time the five-layer cell of CLIP-Dissect, from JPEG files to labels, in two precisions."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.jobs import (
    Files,
    Setting,
    compose_job,
    make_files,
    phase_seconds,
    read_labels,
    run_job,
    sum_phases,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes

_WARM_UP = 1_024
"""Images of the first job in each precision; short jobs have twice and three times as many."""

_SHARE = 0.75
"""Share of the time left that the two passes are planned to take."""


def run(report: Report, sizes: Sizes) -> None:
    """Run the cell in each precision over the same images, then the plain procedure."""
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = make_files(
            folder, sizes.arch, sizes.encoder, images=sizes.cell_images, concepts=sizes.concepts
        )
        setting = Setting(
            "clip_dissect", sizes.arch, sizes.layers, sizes.encoder, sizes.cell_images,
            report.device, sizes.batch_size, os.cpu_count() or 1,
        )  # fmt: skip
        report.set_facts(setting={**dataclasses.asdict(setting), "concepts": sizes.concepts})

        def time(name: str, setting: Setting) -> dict[str, Any]:
            return report.add_row(name, partial(_run_cell, files, setting, folder / "cell"))

        half, single = both_precisions(report.device)
        few = max(1, min(_WARM_UP, sizes.cell_images // 4))
        for precision in (half, single):  # compiles kernels
            time(f"warm up {precision}", replace(setting, precision=precision, images=few))
        # Decoding threads share Python's lock with the thread that launches the networks: find
        # their best number.
        rates: dict[int, float] = {}
        choices = sorted({max(1, setting.workers // part) for part in (4, 2, 1)})
        for at, workers in enumerate(choices):
            # One more image each time, so that no evidence comes from the cache.
            short = replace(setting, precision=half, images=2 * few + at, workers=workers)
            row = time(f"{workers} threads", short)
            if row["status"] == "ok":
                rates[workers] = row["images_per_s"]
        best = max(rates, key=rates.__getitem__, default=setting.workers)
        report.set_facts(workers=best)
        setting = replace(setting, workers=best)
        per_image = 0.0
        for precision in (half, single):
            short = replace(setting, precision=precision, images=3 * few)
            row = time(f"short {precision}", short)
            per_image += 1 / row["images_per_s"] if row["status"] == "ok" else 0.0
        images = sizes.cell_images
        if per_image:
            images = max(1, min(images, int(_SHARE * report.left / per_image)))
        labels = []
        for precision in (half, single):
            cell = replace(setting, precision=precision, images=images)
            if time(precision, cell)["status"] == "ok":
                labels.append(read_labels(compose_job(files, cell, folder / "cell")))
        if len(labels) == 2:
            report.add_row("labels", partial(_count_differences, sizes.layers, *labels))
        for precision in (half, single):
            share = max(1, int(images * sizes.plain_share))
            plain = replace(setting, precision=precision, images=share)
            report.add_row(
                f"plain {precision}", partial(_run_plain, files, plain, folder / "plain")
            )


def both_precisions(device: str) -> tuple[str, str]:
    """Return half precision, in which the authors' encoder runs on a GPU, and single precision.

    CPUs have no fast arithmetic for float16: half precision is bfloat16 there.
    """
    return ("float16" if device.startswith("cuda") else "bfloat16"), "float32"


def _run_cell(files: Files, setting: Setting, results: Path) -> dict[str, Any]:
    timings = run_job(compose_job(files, setting, results)).timings
    phases = sum_phases(timings)
    if any(phase["cached"] for phase in phases if phase["name"] == "gather"):
        raise RuntimeError(f"the evidence on {setting.images} images came from the cache")
    return {
        "images": setting.images,
        "images_per_s": setting.images / phase_seconds(phases, "gather"),
        "cell_s": sum(phase_seconds(phases, name) for name in ("gather", "text", "match")),
        "bound_by": bounds_of_gather(phases, setting.workers),
        "units": [timing["units"] for timing in timings],
        "phases": phases,
    }


def bounds_of_gather(phases: Sequence[Mapping[str, Any]], workers: int) -> dict[str, float]:
    """Return the seconds that each concurrent part of a pass would take alone.

    Args:
        phases: Phases from `sum_phases`.
        workers: Threads that decode, and share the seconds of decoding.

    Returns:
        {"decoding", "target", "encoder"}; the longest is a lower bound of the pass.
    """
    seconds = {phase["name"]: phase["device_s"] or phase["wall_s"] for phase in phases}
    return {
        "decoding": seconds.get("gather/decode", 0.0) / max(1, workers),
        "target": seconds.get("gather/target_forward", 0.0),
        "encoder": seconds.get("gather/image_encoding", 0.0),
    }


def _count_differences(
    layers: Sequence[str], half: list[list[str]], single: list[list[str]]
) -> dict[str, Any]:
    """Count the units of each layer whose label differs between the two precisions."""
    rows = []
    for layer, ours, theirs in zip(layers, half, single, strict=True):
        differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
        rows.append({"layer": layer, "units": len(ours), "differ": differ})
    return {"layers": rows}


def _run_plain(files: Files, setting: Setting, results: Path) -> dict[str, Any]:
    from bench.speed.plain.cell import describe

    phases = describe(compose_job(files, setting, results), setting)
    return {
        "images": setting.images,
        "images_per_s": setting.images / phase_seconds(phases, "gather"),
        "phases": phases,
    }
