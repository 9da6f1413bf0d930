"""Time a whole cell of any size, from JPEG files to labels.

The default of `python -m bench.speed.cell` is the five-layer ResNet-50 cell of CLIP-Dissect, which
`make gpu` times as well.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.benchmarks import OUT, parse, record_path, run_or_report, write_record
from bench.speed.jobs import (
    BRODEN,
    FIVE_LAYERS,
    Setting,
    compose_job,
    make_files,
    peak_memory,
    phase_seconds,
    run_job,
    sum_phases,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METHODS = ("clip_dissect", "netdissect")
_COMPARED = ("gather", "text", "match")
"""Phases that the plain procedure has too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the files, run the cell without a cache, then print and write the costs."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.cell", description=__doc__)
    parser.add_argument("--images", type=int, default=BRODEN)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--precision", default="float32", help="of target and encoder")
    parser.add_argument("--method", choices=METHODS, default=METHODS[0])
    parser.add_argument("--maps-limit-gb", type=float, default=8.0, help="of a layer, on disk")
    parser.add_argument("--arch", default="resnet50", help="a torchvision network")
    parser.add_argument("--layers", nargs="+", default=list(FIVE_LAYERS))
    parser.add_argument("--encoder", default="ViT-B-16", help="an open_clip architecture")
    parser.add_argument("--concepts", default="20000", help="a number of made-up words, or a set")
    parser.add_argument("--plain", action="store_true", help="CLIP-Dissect's plain loop too")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the record")
    options = parse(parser, arguments)
    return run_or_report(lambda: _time(options))


def _time(options: argparse.Namespace) -> int:
    setting = Setting(
        options.method, options.arch, tuple(options.layers), options.encoder, options.images,
        options.device, options.batch_size, options.workers, options.precision,
        (f"runtime.maps_limit_gb={options.maps_limit_gb}",),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = make_files(
            folder, options.arch, options.encoder, images=options.images,
            concepts=options.concepts, masked=options.method != "clip_dissect",
        )  # fmt: skip
        job = compose_job(files, setting, folder / "results")
        timings = run_job(job).timings
        plain = None
        if options.plain and options.method == "clip_dissect":
            from bench.speed.plain.cell import describe

            plain = describe(job, setting)
    record = {
        "schema": 2,
        "setting": dataclasses.asdict(setting),
        "concepts": options.concepts,
        "hardware": timings[0]["hardware"],
        "phases": sum_phases(timings),
        "plain": plain,
    }
    kind = "cell" if options.method == "clip_dissect" else f"cell-{options.method}"
    write_record(record_path(kind, options.out, record["hardware"]), record)
    sys.stdout.write(_report(record))
    return 0


def _report(record: Mapping[str, Any]) -> str:
    """Return the seconds of each phase and the memory; layers share most phases."""
    ours, plain = record["phases"], record["plain"] or []
    rate = record["setting"]["images"] / phase_seconds(ours, "gather")
    values = {phase["name"]: f"{phase['wall_s']:8.2f} s" for phase in ours}
    values["images/s"] = f"{rate:8.0f}"
    for name, phases, kind in (
        ("GPU memory", ours, "device"),
        ("host memory", ours, "host"),
        ("plain host memory", plain, "host"),
    ):
        if peak := peak_memory(phases, kind):
            values[name] = f"{peak / 1e9:8.2f} GB"
    if plain:
        values |= {f"plain {phase['name']}": f"{phase['wall_s']:8.2f} s" for phase in plain}
        both = [sum(phase_seconds(side, name) for name in _COMPARED) for side in (plain, ours)]
        values["plain / ours"] = f"{both[0] / both[1]:8.2f} x"
    return "".join(f"{name:>24}: {value}\n" for name, value in values.items())


if __name__ == "__main__":
    raise SystemExit(main())
