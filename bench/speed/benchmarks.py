"""The table of benchmarks: read the options, measure, write the record and its page.

A benchmark is a module `bench.speed.<name>` with three functions: `add_options(parser)`,
`measure(options)`, which returns sizes and rows ready for JSON, and `render(record)`, which returns
the page as Markdown.
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
from bench.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OUT = Path("leaderboards/speed")

SUMMARIES = {
    "similarity": "similarity functions against plain loops",
    "official": "similarity functions against the authors' own file",
    "dissection": "Network Dissection against its plain loop",
    "composition": "the search for formulas against run-length masks",
    "captioning": "the search for sentences, unit by unit and all at once",
    "decoding": "decoding and preprocessing of images",
}
"""What each benchmark compares, by name."""

_PREFIXES = {"similarity": ""}
"""First words of the names of files, where these are not the benchmark's name."""

_MINIMUM = {"workers": 0}
"""Smallest value of an option that is a whole number, where that is not 1."""


def command_of(name: str) -> str:
    """Return the module that runs a benchmark with `python -m`."""
    return "bench.speed" if name == "similarity" else f"bench.speed.{name}"


def run(name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark, write `<name>-<hardware>.json` and `.md`, and print the page.

    Args:
        name: Name of the benchmark.
        arguments: Command line; None for that of this process.

    Returns:
        Exit code: 2 if the benchmark cannot run as requested.
    """
    module = import_module(f"bench.speed.{name}")
    parser = argparse.ArgumentParser(
        prog=f"python -m {command_of(name)}", description=module.__doc__
    )
    module.add_options(parser)
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    options = parse(parser, arguments)
    return run_or_report(lambda: _measure_and_save(name, module, options))


def _measure_and_save(name: str, module: Any, options: argparse.Namespace) -> int:
    record = {**header(getattr(options, "device", "cpu")), **module.measure(options)}
    file = record_path(name, options.out, record["hardware"])
    page = module.render(record)
    write_record(file, record)
    write_atomic(file.with_suffix(".md"), page)
    sys.stdout.write(page)
    return 0


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


def header(device: str, schema: int = 1) -> dict[str, Any]:
    """Return the fields that all records of timings begin with."""
    from bench.environment import environment, hardware

    return {
        "schema": schema,
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "hardware": hardware(device),
        "environment": environment(device),
    }


def record_path(name: str, out: Path, hardware: Mapping[str, Any]) -> Path:
    """Return the file of a benchmark's record on some hardware."""
    prefix = _PREFIXES.get(name, f"{name}-")
    return out / f"{prefix}{hardware_slug(hardware)}.json"


def write_record(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON with sorted keys."""
    write_atomic(file, json.dumps(record, indent=1, sort_keys=True) + "\n")


def benchmark_of(file: Path) -> str:
    """Return the name of the benchmark whose record or page a file is."""
    return next((name for name in SUMMARIES if file.name.startswith(f"{name}-")), "similarity")


def hardware_title(hardware: Mapping[str, Any]) -> str:
    """Return the name of hardware on pages: "NVIDIA H200", "AMD EPYC, 2 threads"."""
    gpu = hardware.get("gpu")
    return str(gpu["name"]) if gpu else f"{hardware['cpu']}, {hardware['threads']} threads"


def hardware_slug(hardware: Mapping[str, Any]) -> str:
    """Return the name of hardware in file names: "nvidia-h200", "amd-epyc-2-threads"."""
    title = hardware_title(hardware).lower()
    return re.sub(r"[^a-z0-9]+", "-", title).strip("-") or "unknown"


def parse(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Parse and check the options of a benchmark.

    Args:
        parser: With `--out`; optionally with `--device` and with sizes, which are at least 1.
        arguments: Command line; None for that of this process.

    Raises:
        SystemExit: An option is invalid, there is no such device, or `--out` cannot be written.
    """
    options = parser.parse_args(arguments)
    for name, value in vars(options).items():
        minimum = _MINIMUM.get(name, 1)
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
