"""`python -m bench.speed.gpu`: run all parts within a number of seconds; see `make gpu`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

from bench.downloads.packages import find_package
from bench.environment import hardware
from bench.speed.benchmarks import make_parser, parse, record_path
from bench.speed.gpu.report import Report
from bench.speed.gpu.sizes import FULL, TINY

ROOT = Path(__file__).resolve().parents[3]

_MINIMUM = 1 / 3
"""Share of its time that must be left for a part to start."""

_GRACE_S = 15.0
"""Seconds after its time at which a part is killed."""

_TRIES = 4

WHEELS = ("open_clip", "hydra", "omegaconf")
"""Packages of the wheels that the parts need."""


class Part(NamedTuple):
    """Name of a part, share of the time, and what it measures."""

    name: str
    share: float
    summary: str


PARTS = (
    Part("agreement", 0.12, "whether the GPU's results are those of the CPU"),
    Part("functions", 0.08, "the similarity functions against their plain loops"),
    Part("cell", 0.42, "the five-layer ResNet-50 cell of CLIP-Dissect"),
    Part("methods", 0.28, "every method on ResNet-18 and ResNet-50"),
    Part("operations", 0.10, "the most expensive operations on the device"),
)


OPTIONS = {
    "seconds": {"default": 540.0, "help": "for all parts together"},
    "device": {"default": "cuda", "help": 'on a CPU: "cpu", with --tiny'},
    "wheels": {"type": Path, "help": "folder of wheels that the parts may import"},
    "tiny": {"action": "store_true", "help": "sizes of the rehearsal"},
    "parts": {
        "nargs": "+",
        "type": str,
        "choices": [part.name for part in PARTS],
        "default": [part.name for part in PARTS],
        "help": "; ".join(f"{part.name}: {part.summary}" for part in PARTS),
    },
    "here": {"action": "store_true", "help": argparse.SUPPRESS},
    "resume": {"action": "store_true", "help": argparse.SUPPRESS},
}


def main() -> int:
    """Run the requested parts in order."""
    parser = make_parser("bench.speed.gpu", __doc__, OPTIONS)
    options = parse(parser)
    if options.here:
        return _run_here(options)
    if options.wheels and not any(options.wheels.glob("*.whl")):
        missing = [name for name in WHEELS if find_package(name) is None]
        if missing:
            parser.error(
                f"no wheels in {options.wheels}, and {', '.join(missing)} cannot be imported; "
                "hint: run `make gpu-wheels` on a machine with a network"
            )
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as folder:
        paths = [folder] if options.wheels and unpack_wheels(options.wheels, Path(folder)) else []
        # The root too: PYTHONSAFEPATH excludes the current folder.
        paths += [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return _run_parts(options, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


def unpack_wheels(wheels: Path, folder: Path) -> int:
    """Unpack wheels to import from without installing them; return their number."""
    files = sorted(wheels.glob("*.whl"))
    for file in files:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
    return len(files)


def _run_here(options: argparse.Namespace) -> int:
    """Run one part in this process."""
    from bench.speed.gpu import agreement, parts

    run = {
        "agreement": agreement.compare_devices,
        "functions": parts.time_functions,
        "cell": parts.time_cell,
        "methods": parts.time_methods,
        "operations": parts.profile_operations,
    }
    [name] = options.parts
    report = Report(name, options.out, options.device, options.seconds, resume=options.resume)
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as folder:
        run[name](report, TINY if options.tiny else FULL, Path(folder))
    return 0


def _run_parts(options: argparse.Namespace, environment: dict[str, str]) -> int:
    """Run each part in its own process, so that the crash of one does not stop the others."""
    parts = [part for part in PARTS if part.name in options.parts]
    start = time.monotonic()
    broken, failed = [], []
    for number, part in enumerate(parts):
        budget = options.seconds * part.share / sum(one.share for one in parts)
        left = start + options.seconds - time.monotonic()
        # Share the time that earlier parts did not use.
        own = left * part.share / sum(one.share for one in parts[number:])
        if left < _MINIMUM * budget:
            reason = f"{max(0.0, left):.0f} s left, under a third of its {budget:.0f} s"
            write_skipped(part.name, options.out, options.device, reason)
            sys.stderr.write(f"{part.name}: skipped, {reason}\n")
        elif not _run_process(part, own, options, environment):
            broken.append(part.name)
        file = record_path(f"gpu-{part.name}", options.out, hardware(options.device))
        rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
        failed += [
            f"{part.name}: {row['name']}"  # without a result, or with one unlike the CPU's
            for row in rows
            if row["status"] in ("failed", "started") or row.get("agrees") is False
        ]
    sys.stderr.write(f"all parts: {time.monotonic() - start:.0f} s; files in {options.out}\n")
    for problem, names in (("crashed or killed", broken), ("failed", failed)):
        if names:
            sys.stderr.write(f"{problem}: {', '.join(names)}\n")
    return 1 if broken or failed else 0


def write_skipped(part: str, out: Path, device: str, reason: str) -> None:
    """Write the file of a part that did not start."""
    Report(part, out, device, 0).set_facts(skipped=reason)


def _run_process(
    part: Part, seconds: float, options: argparse.Namespace, environment: dict[str, str]
) -> bool:
    """Run a part; if its process dies, continue after the row in progress.

    Returns:
        Whether the part ended normally.
    """
    end = time.monotonic() + seconds
    for number in range(_TRIES):
        left = end - time.monotonic()
        command = [
            sys.executable, *(["-S"] if sys.flags.no_site else []), "-m", "bench.speed.gpu",
            "--here", "--parts", part.name, "--out", str(options.out), "--device", options.device,
            "--seconds", f"{left:.1f}", *(["--tiny"] if options.tiny else []),
            *(["--resume"] if number else []),
        ]  # fmt: skip
        try:
            process = subprocess.run(command, timeout=left + _GRACE_S, env=environment, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{part.name}: killed {_GRACE_S:.0f} s after its time was up\n")
            return False
        if process.returncode == 0:
            return True
        sys.stderr.write(f"{part.name}: its process ended with exit code {process.returncode}\n")
        if end - time.monotonic() < _MINIMUM * seconds:
            break
    return False


if __name__ == "__main__":
    raise SystemExit(main())
