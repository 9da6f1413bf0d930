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

from bench.downloads.packages import find_package
from bench.speed.gpu.parts import PARTS, Part
from bench.speed.gpu.sheet import Sheet, sheet_path, write_skipped
from bench.speed.gpu.sizes import FULL, TINY
from bench.speed.keep import OUT, parse

ROOT = Path(__file__).resolve().parents[3]

_LEAST = 1 / 3
"""Part of its budget that a part must have left to begin."""

_GRACE_S = 15.0
"""A part ends by its own clock; so long after that it is stopped."""

_TRIES = 4

WHEELS = ("open_clip", "hydra", "omegaconf")
"""Packages of the wheels without which parts cannot run."""


def main() -> int:
    """Run the parts that are asked for, in their order."""
    options = argparse.ArgumentParser(prog="python -m bench.speed.gpu", description=__doc__)
    options.add_argument("--out", type=Path, default=OUT, help="folder of the JSON files")
    options.add_argument("--seconds", type=float, default=420.0, help="for all parts together")
    options.add_argument("--device", default="cuda", help='on a CPU: "cpu", with --tiny')
    options.add_argument("--wheels", type=Path, help="folder of wheels that the parts may import")
    options.add_argument("--tiny", action="store_true", help="sizes of the rehearsal")
    names = [part.name for part in PARTS]
    told = "; ".join(f"{part.name}: {part.says}" for part in PARTS)
    options.add_argument("--parts", nargs="+", choices=names, default=names, help=told)
    options.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    given = parse(options)
    parts = [part for part in PARTS if part.name in given.parts]
    if given.here:
        [part] = parts
        sheet = Sheet(part.name, given.out, given.device, given.seconds, resume=given.resume)
        part.run(sheet, TINY if given.tiny else FULL)
        return 0
    if given.wheels and not any(given.wheels.glob("*.whl")):
        lacking = [name for name in WHEELS if find_package(name) is None]
        if lacking:
            options.error(
                f"{given.wheels} holds no wheels, and {', '.join(lacking)} cannot be imported: run "
                "`make gpu-wheels` where there is a network"
            )
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as folder:
        paths = [folder] if given.wheels and unpack_wheels(given.wheels, Path(folder)) else []
        # This folder too: with PYTHONSAFEPATH the current one is not looked through.
        paths += [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return _all(parts, given, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


def unpack_wheels(wheels: Path, folder: Path) -> int:
    """Unpack wheels to import from, which need not be installed for it.

    Returns:
        How many there were.
    """
    found = sorted(wheels.glob("*.whl"))
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return len(found)


def _all(parts: list[Part], given: argparse.Namespace, environment: dict[str, str]) -> int:
    """Each part in a process of its own, so that what breaks one leaves the others alone."""
    end = time.monotonic() + given.seconds
    broken = []
    for number, part in enumerate(parts):
        budget = given.seconds * part.share / sum(one.share for one in parts)
        left = end - time.monotonic()
        # What the parts before did not need is shared out among those that are left.
        own = left * part.share / sum(one.share for one in parts[number:])
        if left < _LEAST * budget:
            reason = f"{max(0.0, left):.0f} s left, under a third of its {budget:.0f} s"
            write_skipped(part.name, given.out, given.device, reason)
            sys.stderr.write(f"{part.name}: skipped, {reason}\n")
            continue
        if not _run_apart(part, own, given, environment):
            broken.append(part.name)
    spent = given.seconds - (end - time.monotonic())
    sys.stderr.write(f"all parts: {spent:.0f} s; files in {given.out}\n")
    if broken:
        sys.stderr.write(f"did not end by themselves: {', '.join(broken)}\n")
    files = [sheet_path(part.name, given.out, given.device) for part in parts]
    if failed := _failed_rows(files):
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if broken or failed else 0


def _failed_rows(files: list[Path]) -> list[str]:
    """Rows that have no result, or not the CPU's; of files that there are."""
    sheets = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    return [
        f"{sheet['part']}: {row['name']}"
        for sheet in sheets
        for row in sheet["rows"]
        if row["status"] in ("failed", "started") or row.get("agrees") is False
    ]


def _run_apart(
    part: Part, seconds: float, given: argparse.Namespace, environment: dict[str, str]
) -> bool:
    """Run a part; where its process dies, go on after the row that it died of.

    Returns:
        Whether it came to its end.
    """
    end = time.monotonic() + seconds
    for number in range(_TRIES):
        left = end - time.monotonic()
        command = [
            sys.executable, *_inherited_flags(), "-m", "bench.speed.gpu", "--here",
            "--parts", part.name, "--out", str(given.out), "--device", given.device,
            "--seconds", f"{left:.1f}", *(["--tiny"] if given.tiny else []),
            *(["--resume"] if number else []),
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603
                command, timeout=left + _GRACE_S, env=environment, check=False
            )
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{part.name}: stopped {_GRACE_S:.0f} s after its time was up\n")
            return False
        if done.returncode == 0:
            return True
        sys.stderr.write(f"{part.name}: its process ended with {done.returncode}\n")
        if end - time.monotonic() < _LEAST * seconds:
            break
    return False


def _inherited_flags() -> list[str]:
    """The interpreter's own flags that decide which packages are found."""
    return ["-S"] if sys.flags.no_site else []


if __name__ == "__main__":
    raise SystemExit(main())
