"""Small requests of the embedded world, run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SWEEP = (
    "run", "-m", "board=chaos", "target=glyphs_objects,glyphs_scenes", "target.layers=[fc]",
    "probe.params.size=96", "concepts=glyphs_all",
    "method=clip_dissect", "method.params.similarity=soft_wpmi,cos_similarity",
    "scoring=none", "runtime.progress=false",
)  # fmt: skip
"""Four cells; the cells of a target share its activations."""

CELL = (
    "run", "board=chaos", "target=glyphs_objects", "target.layers=[fc]", "probe.params.size=4",
    "concepts=glyphs_all", "method=netdissect", "scoring=none", "runtime.progress=false",
)  # fmt: skip
"""One cell, which writes activations, maps, a record, a timing and scores."""


def start(request: tuple[str, ...], results: Path) -> subprocess.Popen[bytes]:
    """Start a request in a process group of its own; its output is discarded."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *request, f"results={results}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def run(request: tuple[str, ...], results: Path) -> int:
    """Run a request to its end and return the exit code."""
    return start(request, results).wait()
