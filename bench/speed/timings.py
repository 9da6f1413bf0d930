"""`python -m bench.speed.timings`: write the documentation's page of timings from the records."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import write_atomic
from bench.speed.benchmarks import OUT, SUMMARIES, benchmark_of, command_of
from bench.speed.gpu_tables import render_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = Path("docs/timings.md")

INTRODUCTION = """\
# Timings

This page is made from the records in `leaderboards/speed` by `python -m bench.speed.timings`; a
test compares the two. Times of different hardware are never mixed in one table.

## On a GPU

"""

NO_GPU = """\
No timing of a GPU has been committed yet: `make gpu` makes them on any CUDA machine within nine
minutes.
"""

INSTRUCTIONS = """\

## How to make them

`make gpu-wheels` collects, on a machine with a network, the few packages that a bare CUDA machine
does not have (open_clip, Hydra and their requirements: under 5 MB). `make gpu PYTHON=python3` then
needs no network and installs nothing. It requires Python 3.12 with torch, torchvision, timm, numba,
pandas, scipy, seaborn, rich, psutil, filelock, sacrebleu, safetensors, threadpoolctl, tqdm,
transformers and sentence-transformers. Networks have random weights and images are made up; neither
changes the times.

Five parts run one after the other within `GPU_SECONDS` (540), each in its own process: whether the
GPU's results are those of the CPU, the similarity functions, the five-layer ResNet-50 cell, every
method on ResNet-18 and ResNet-50, and the most expensive operations. Each writes a JSON file row by
row. `make gpu-rehearsal` runs the same at a tiny size on a CPU.
"""


def main() -> int:
    """Write the page; with --check only compare it with the records."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.timings", description=__doc__)
    parser.add_argument("--records", type=Path, default=OUT, help="folder of the JSON files")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    page = render(options.records)
    if options.check:
        same = options.page.is_file() and options.page.read_text(encoding="utf-8") == page
        sys.stdout.write(f"{options.page}: {'up to date' if same else 'out of date'}\n")
        return 0 if same else 1
    write_atomic(options.page, page)
    sys.stdout.write(f"{options.page}\n")
    return 0


def render(records: Path) -> str:
    """Return the page for a folder of records and pages."""
    reports: dict[str, dict[str, dict[str, Any]]] = {}
    for file in sorted(records.glob("gpu-*.json")):
        report = json.loads(file.read_text(encoding="utf-8"))
        if gpu := report["hardware"]["gpu"]:
            reports.setdefault(gpu["name"], {})[report["part"]] = report
    lines = [INTRODUCTION, *([] if reports else [NO_GPU])]
    for name, parts in sorted(reports.items()):
        lines.append(f"### {name}\n\n{_machine(next(iter(parts.values())))}\n")
        lines += render_parts(parts)
    return "".join([*lines, "\n## On CPUs\n\n", *_links(records), INSTRUCTIONS])


def _machine(report: Mapping[str, Any]) -> str:
    hardware = report["hardware"]
    gpu = hardware["gpu"]
    return (
        f"{gpu['memory_bytes'] / 1e9:.0f} GB, driver {gpu['driver']}, CUDA {gpu['cuda']}; "
        f"{hardware['threads']} threads of {hardware['cpu']}; "
        f"torch {report['environment']['versions']['torch']}. "
        f"Made on {report['made']} by `make gpu`.\n"
    )


def _links(records: Path) -> Iterator[str]:
    """Yield a line for each benchmark with a page beside the records."""
    for file in sorted(records.glob("*.md")):
        name = benchmark_of(file)
        link = f"[{file.stem}](../leaderboards/speed/{file.name})"
        yield f"- {link}: {SUMMARIES[name]} (`python -m {command_of(name)}`)\n"


if __name__ == "__main__":
    raise SystemExit(main())
