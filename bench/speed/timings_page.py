"""The documentation's page of timings as Markdown, from nothing but the committed records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.speed.gpu_tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

COMPARISONS = {
    "": ("bench.speed", "similarity functions against plain loops"),
    "official": ("bench.speed.official", "similarity functions against the authors' own file"),
    "dissection": ("bench.speed.dissection", "Network Dissection against its plain loop"),
    "composition": (
        "bench.speed.composition",
        "the search for formulas against run-length masks",
    ),
    "captioning": (
        "bench.speed.captioning",
        "the search for sentences, unit by unit and all at once",
    ),
    "decoding": ("bench.speed.decoding", "decoding and preprocessing of images"),
}
"""What is compared, by the beginning of its files' names."""

INTRODUCTION = """\
# Timings

This page is made from the records in `leaderboards/speed` by `python -m bench.speed.timings`; a
test compares the two. Times of different hardware are never put in one table.

"""

WITHOUT = (
    "No timing of a GPU has been committed yet: `make gpu` makes them on any CUDA machine within "
    "seven minutes.\n"
)

HOW = """\
## How to make them

`make gpu-wheels` collects, on a machine with a network, the few packages that a bare CUDA machine
lacks (open_clip, Hydra and what they need: under 5 MB). `make gpu PYTHON=python3` then needs no
network and installs nothing. It takes Python 3.12 with torch, torchvision, timm, numba, pandas,
scipy, seaborn, rich, psutil, filelock, sacrebleu, safetensors, tqdm, transformers and
sentence-transformers. Networks have random weights and images are made up: times need neither.

Five parts run one after the other within `GPU_SECONDS` (420), each in a process of its own: whether
the GPU's results are those of the CPU, the similarity functions, the five-layer ResNet-50 cell,
every method on ResNet-18 and ResNet-50, and the most expensive operations. Each writes a JSON file
as it goes. `make gpu-rehearsal` runs the same at a tiny size on a CPU.
"""


def render(records: Path) -> str:
    """Make the page.

    Args:
        records: Folder of the JSON files and of the pages beside them.
    """
    sheets = [_read(file) for file in sorted(records.glob("gpu-*.json"))]
    measured = [sheet for sheet in sheets if sheet["hardware"]["gpu"]]
    lines = [INTRODUCTION, "## On a GPU\n\n"]
    if not measured:
        lines.append(WITHOUT)
    for name in sorted({sheet["hardware"]["gpu"]["name"] for sheet in measured}):
        own = [sheet for sheet in measured if sheet["hardware"]["gpu"]["name"] == name]
        lines.append(f"### {name}\n\n{_machine(own[0])}\n")
        lines += tables_of({sheet["part"]: sheet for sheet in own})
    lines += ["\n## On CPUs\n\n", *_pages(records), "\n", HOW]
    return "".join(lines)


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _machine(sheet: Mapping[str, Any]) -> str:
    hardware, versions = sheet["hardware"], sheet["environment"]["versions"]
    gpu = hardware["gpu"]
    return (
        f"{gpu['memory_bytes'] / 1e9:.0f} GB, driver {gpu['driver']}, CUDA {gpu['cuda']}; "
        f"{hardware['threads']} threads of {hardware['cpu']}; torch {versions['torch']}. "
        f"Made on {sheet['made']} by `make gpu`.\n"
    )


def _pages(records: Path) -> Iterable[str]:
    """A line for each comparison whose page lies beside the records."""
    for file in sorted(records.glob("*.md")):
        kind = next((k for k in COMPARISONS if k and file.name.startswith(f"{k}-")), "")
        module, what = COMPARISONS[kind]
        link = f"[{file.stem}](../leaderboards/speed/{file.name})"
        yield f"- {link}: {what} (`python -m {module}`)\n"
