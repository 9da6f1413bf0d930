"""The table of benchmarks: read the options, measure, write the record and its page.

A benchmark is a module `bench.speed.<name>` with `OPTIONS`, a mapping of names to defaults or to
arguments of argparse; `measure(options)`, which returns sizes and rows ready for JSON; and
optionally `values(record)`, further values for the page, whose template is `pages/<name>.md`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.downloads.packages import as_user_error
from bench.environment import environment, hardware
from bench.files import write_atomic
from bench.speed import page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OUT = Path("leaderboards/speed")

SUMMARIES = {
    "similarity": "similarity functions against plain loops",
    "official": "similarity functions against the authors' own file",
    "dissection": "Network Dissection against its plain loop",
    "composition": "the search for formulas against run-length masks",
    "captioning": "the search for sentences, unit by unit and all at once",
    "alignment": "unit embeddings and linear explanations against plain loops",
    "faithfulness": "metrics of faithfulness against a plain loop over pairs",
    "decoding": "decoding and preprocessing of images",
}
"""What each benchmark compares, by name."""


def command_of(name: str) -> str:
    """Return the module that runs a benchmark with `python -m`."""
    return "bench.speed" if name == "similarity" else f"bench.speed.{name}"


def run(name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark, write `<name>-<hardware>.json` and `.md`, and print the page.

    Returns:
        Exit code: 2 if the benchmark cannot run as requested.
    """
    module = import_module(f"bench.speed.{name}")
    repeats = {"repeats": {"default": 3, "help": "runs of each side; the median counts"}}
    parser = make_parser(command_of(name), module.__doc__, {**module.OPTIONS, **repeats})
    options = parse(parser, arguments)

    def measure_and_save() -> int:
        record = header(getattr(options, "device", "cpu"))
        record |= {"repeats": options.repeats, **module.measure(options)}
        text = render(name, record)
        file = record_path(name, options.out, record["hardware"])
        write_record(file, record)
        write_atomic(file.with_suffix(".md"), text)
        sys.stdout.write(text)
        return 0

    return run_or_report(measure_and_save)


def render(name: str, record: Mapping[str, Any]) -> str:
    """Return the page of a benchmark's record."""
    module = import_module(f"bench.speed.{name}")
    values = module.values(record) if hasattr(module, "values") else {}
    return page.fill(name, {**record, "where": hardware_title(record["hardware"]), **values})


def run_or_report(work: Callable[[], int]) -> int:
    """Call work; print an error that the user can correct, and return 2."""
    try:
        return work()
    except Exception as error:
        message = as_user_error(error)
        if message is None:
            raise
        sys.stderr.write(f"{message}\n")
        return 2


def header(device: str) -> dict[str, Any]:
    """Return the fields that all records of timings begin with."""
    made = datetime.now(UTC).strftime("%Y-%m-%d")
    facts = {"hardware": hardware(device), "environment": environment(device)}
    return {"schema": 1, "made": made, **facts}


def record_path(name: str, out: Path, machine: Mapping[str, Any]) -> Path:
    """Return the file of a benchmark's record on some hardware."""
    prefix = "" if name == "similarity" else f"{name}-"
    return out / f"{prefix}{hardware_slug(machine)}.json"


def write_record(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON with sorted keys."""
    write_atomic(file, json.dumps(record, indent=1, sort_keys=True) + "\n")


def benchmark_of(file: Path) -> str:
    """Return the name of the benchmark whose record or page a file is."""
    return next((name for name in SUMMARIES if file.name.startswith(f"{name}-")), "similarity")


def hardware_title(machine: Mapping[str, Any]) -> str:
    """Return the name of hardware on pages: "NVIDIA H200", "AMD EPYC, 2 threads"."""
    gpu = machine.get("gpu")
    return str(gpu["name"]) if gpu else f"{machine['cpu']}, {machine['threads']} threads"


def hardware_slug(machine: Mapping[str, Any]) -> str:
    """Return the name of hardware in file names: "nvidia-h200", "amd-epyc-2-threads"."""
    title = hardware_title(machine).lower()
    return re.sub(r"[^a-z0-9]+", "-", title).strip("-") or "unknown"


def make_parser(
    module: str, description: str | None, options: Mapping[str, Any]
) -> argparse.ArgumentParser:
    """Return a parser of options, by name their defaults or arguments of argparse; and `--out`."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    for name, option in options.items():
        more = option if isinstance(option, dict) else {"default": option}
        if "default" in more:
            more = {"type": type(more["default"]), **more}
        parser.add_argument(f"--{name.replace('_', '-')}", **more)
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    return parser


def parse(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Parse and check options: sizes are at least 1, the device exists.

    Raises:
        SystemExit: An option is invalid, there is no such device, or `--out` cannot be written.
    """
    options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        minimum = 0 if name == "workers" else 1
        if type(value) is int and value < minimum:
            parser.error(f"--{name.replace('_', '-')} must be at least {minimum}, got {value}")
    if getattr(options, "device", "cpu").startswith("cuda"):
        import torch

        if not torch.cuda.is_available():
            parser.error("torch finds no CUDA device; hint: --device cpu")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=options.out):
            pass
    except OSError as error:
        parser.error(f"--out: {error}; hint: name a folder that can be written")
    return options
