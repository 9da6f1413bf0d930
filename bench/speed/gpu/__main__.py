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
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from bench.downloads.packages import find_package
from bench.environment import hardware
from bench.speed.benchmarks import OUT, parse, record_path
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
    """Name of a part and of its module, share of the time, and what it measures."""

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


def main() -> int:
    """Run the requested parts in order."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the JSON files")
    parser.add_argument("--seconds", type=float, default=540.0, help="for all parts together")
    parser.add_argument("--device", default="cuda", help='on a CPU: "cpu", with --tiny')
    parser.add_argument("--wheels", type=Path, help="folder of wheels that the parts may import")
    parser.add_argument("--tiny", action="store_true", help="sizes of the rehearsal")
    names = [part.name for part in PARTS]
    summaries = "; ".join(f"{part.name}: {part.summary}" for part in PARTS)
    parser.add_argument("--parts", nargs="+", choices=names, default=names, help=summaries)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    options = parse(parser)
    parts = [part for part in PARTS if part.name in options.parts]
    if options.here:
        [part] = parts
        report = Report(
            part.name, options.out, options.device, options.seconds, resume=options.resume
        )
        import_module(f"bench.speed.gpu.{part.name}").run(report, TINY if options.tiny else FULL)
        return 0
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
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        return _run_parts(parts, options, environment)


def unpack_wheels(wheels: Path, folder: Path) -> int:
    """Unpack wheels to import from without installing them; return their number."""
    files = sorted(wheels.glob("*.whl"))
    for file in files:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
    return len(files)


def _run_parts(parts: list[Part], options: argparse.Namespace, environment: dict[str, str]) -> int:
    """Run each part in its own process, so that the crash of one does not stop the others."""
    end = time.monotonic() + options.seconds
    broken = []
    for number, part in enumerate(parts):
        budget = options.seconds * part.share / sum(one.share for one in parts)
        left = end - time.monotonic()
        # Share the time that earlier parts did not use.
        own = left * part.share / sum(one.share for one in parts[number:])
        if left < _MINIMUM * budget:
            reason = f"{max(0.0, left):.0f} s left, under a third of its {budget:.0f} s"
            write_skipped(part.name, options.out, options.device, reason)
            sys.stderr.write(f"{part.name}: skipped, {reason}\n")
        elif not _run_process(part, own, options, environment):
            broken.append(part.name)
    seconds = options.seconds - (end - time.monotonic())
    sys.stderr.write(f"all parts: {seconds:.0f} s; files in {options.out}\n")
    if broken:
        sys.stderr.write(f"crashed or killed: {', '.join(broken)}\n")
    machine = hardware(options.device)
    files = [record_path(f"gpu-{part.name}", options.out, machine) for part in parts]
    if failed := _failed_rows(files):
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if broken or failed else 0


def write_skipped(part: str, out: Path, device: str, reason: str) -> None:
    """Write the file of a part that did not start."""
    Report(part, out, device, 0).set_facts(skipped=reason)


def _failed_rows(files: list[Path]) -> list[str]:
    """Name the rows without a result, or with one that differs from the CPU's."""
    reports = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    return [
        f"{report['part']}: {row['name']}"
        for report in reports
        for row in report["rows"]
        if row["status"] in ("failed", "started") or row.get("agrees") is False
    ]


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
            process = subprocess.run(  # noqa: S603
                command, timeout=left + _GRACE_S, env=environment, check=False
            )
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
