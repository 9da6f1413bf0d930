"""Time a whole cell of any size, from JPEG files to labels.

The default of `python -m bench.speed.cell` is the five-layer ResNet-50 cell of CLIP-Dissect, which
`make gpu` times as well.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed import jobs, page
from bench.speed.benchmarks import make_parser, parse, record_path, run_or_report, write_record

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

OPTIONS = {
    "images": jobs.BRODEN,
    "device": "cuda",
    "batch_size": 256,
    "workers": os.cpu_count() or 1,
    "precision": {"default": "float32", "help": "of target and encoder"},
    "method": {"choices": ("clip_dissect", "netdissect"), "default": "clip_dissect"},
    "maps_limit_gb": {"default": 8.0, "help": "of a layer, on disk"},
    "arch": {"default": "resnet50", "help": "a torchvision network"},
    "layers": {"nargs": "+", "type": str, "default": jobs.FIVE_LAYERS},
    "encoder": {"default": "ViT-B-16", "help": "an open_clip architecture"},
    "concepts": {"default": "20000", "help": "a number of made-up words, or a set"},
    "plain": {"action": "store_true", "help": "CLIP-Dissect's plain loop too"},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the files, run the cell without a cache, then print and write the costs."""
    options = parse(make_parser("bench.speed.cell", __doc__, OPTIONS), arguments)
    return run_or_report(lambda: _time(options))


def _time(options: argparse.Namespace) -> int:
    more = (f"runtime.maps_limit_gb={options.maps_limit_gb}",)
    names = [each.name for each in dataclasses.fields(jobs.Setting) if each.name != "more"]
    setting = jobs.Setting(**{name: getattr(options, name) for name in names}, more=more)
    masked = options.method != "clip_dissect"
    plain = None
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        files = jobs.make_files(Path(name), setting, options.concepts, masked=masked)
        job = jobs.compose_job(files, setting, Path(name) / "results")
        timings, _ = jobs.run_job(job)
        if options.plain and not masked:
            from bench.speed.plain.cell import describe

            plain = describe(job, setting)
    record: dict[str, Any] = {
        "schema": 2,
        "setting": dataclasses.asdict(setting),
        "concepts": options.concepts,
        "hardware": timings[0]["hardware"],
        "phases": jobs.sum_phases(timings),
        "plain": plain,
    }
    kind = f"cell-{options.method}" if masked else "cell"
    write_record(record_path(kind, options.out, record["hardware"]), record)
    ours, plain = record["phases"], record["plain"] or []
    values = {
        "images_per_s": setting.images / jobs.phase_seconds(ours, "gather"),
        "ours_s": jobs.phase_seconds(ours, "gather", "text", "match"),
        "plain_s": jobs.phase_seconds(plain, "gather", "text", "match"),
    }
    sys.stdout.write(page.fill("cell", record | values))
    if plain:
        sys.stdout.write(page.fill("cell_plain", record | values))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
