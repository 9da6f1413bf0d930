"""`python -m bench.speed.cell`: a whole cell of any size, from JPEG files to labels.

The default is the five-layer ResNet-50 cell of CLIP-Dissect; `make gpu` times it among the rest.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.downloads.packages import as_user_error
from bench.errors import UserError
from bench.files import write_atomic
from bench.speed.cell_job import (
    BRODEN,
    FIVE_LAYERS,
    Setting,
    compose_job,
    make_files,
    run_job,
    sum_phases,
)
from bench.speed.keep import OUT, parse
from bench.speed.naming import slug

METHODS = ("clip_dissect", "netdissect")
_COMPARED = ("gather", "text", "match")
"""Phases that the plain procedure has too."""


def main() -> int:
    """Make the files, run the cell on an empty cache, print and keep its phases."""
    options = argparse.ArgumentParser(prog="python -m bench.speed.cell", description=__doc__)
    options.add_argument("--images", type=int, default=BRODEN)
    options.add_argument("--device", default="cuda")
    options.add_argument("--batch-size", type=int, default=256)
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--precision", default="float32", help="of target and encoder")
    options.add_argument("--method", choices=METHODS, default=METHODS[0])
    options.add_argument("--maps-limit-gb", type=float, default=8.0, help="of a layer, on disk")
    options.add_argument("--arch", default="resnet50")
    options.add_argument("--layers", nargs="+", default=list(FIVE_LAYERS))
    options.add_argument("--encoder", default="ViT-B-16", help="an open_clip architecture")
    options.add_argument("--concepts", default="20000", help="a number of made-up words, or a set")
    options.add_argument("--plain", action="store_true", help="CLIP-Dissect's plain loop too")
    options.add_argument("--out", type=Path, default=OUT, help="folder of the record")
    given = parse(options)
    try:
        return _time(given)
    except (UserError, ModuleNotFoundError) as error:
        told = as_user_error(error)
        if told is None:
            raise
        sys.stderr.write(f"{told}\n")
        return 2


def _time(given: argparse.Namespace) -> int:
    setting = Setting(
        given.method, given.arch, tuple(given.layers), given.encoder, given.images, given.device,
        given.batch_size, given.workers, given.precision,
        (f"runtime.maps_limit_gb={given.maps_limit_gb}",),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = make_files(
            folder, given.arch, given.encoder, images=given.images, concepts=given.concepts,
            masked=given.method != "clip_dissect",
        )  # fmt: skip
        job = compose_job(files, setting, folder / "results")
        timings = run_job(job).timings
        loop = None
        if given.plain and given.method == "clip_dissect":
            from bench.run.selection import build_parts
            from bench.speed.plain_cell import describe

            loop = describe(
                build_parts(job.config), given.device, given.batch_size, given.workers,
                precision=given.precision,
            )  # fmt: skip
    hardware = timings[0]["hardware"]
    content = {
        "schema": 2,
        "setting": dataclasses.asdict(setting),
        "concepts": given.concepts,
        "hardware": hardware,
        "phases": sum_phases(timings),
        "plain": loop,
    }
    name = "cell" if given.method == "clip_dissect" else f"cell-{given.method}"
    file = given.out / f"{name}-{slug(hardware)}.json"
    write_atomic(file, json.dumps(content, indent=1, sort_keys=True) + "\n")
    sys.stdout.write(_report(content))
    return 0


def _report(content: dict[str, Any]) -> str:
    """Seconds by phase: what the layers share once, matching and scoring added up over them."""
    seconds = {phase["name"]: float(phase["wall_s"]) for phase in content["phases"]}
    lines = [f"{name:>24}: {wall:8.2f} s" for name, wall in seconds.items()]
    lines.append(f"{'images/s':>24}: {content['setting']['images'] / seconds['gather']:8.0f}")
    for key, what in (("peak_device_bytes", "GPU memory"), ("peak_host_bytes", "host memory")):
        if peak := _peak(content["phases"], key):
            lines.append(f"{what:>24}: {peak / 1e9:8.2f} GB")
    if content["plain"]:
        ours = sum(seconds[name] for name in _COMPARED if name in seconds)
        plain = sum(phase["wall_s"] for phase in content["plain"])
        lines += [f"{'plain ' + p['name']:>24}: {p['wall_s']:8.2f} s" for p in content["plain"]]
        lines.append(f"{'plain / ours':>24}: {plain / ours:8.2f} x")
        memory = _peak(content["plain"], "peak_host_bytes")
        lines.append(f"{'plain host memory':>24}: {memory / 1e9:8.2f} GB")
    return "\n".join(lines) + "\n"


def _peak(phases: list[dict[str, Any]], key: str) -> int:
    return max((int(phase[key] or 0) for phase in phases), default=0)


if __name__ == "__main__":
    raise SystemExit(main())
