"""Time every method on the same images with masks, on each network."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.gpu.network_files import method_overrides
from bench.speed.jobs import Setting, compose_job, make_files, phase_seconds, run_job, sum_phases
from leaderboards.costs import run_cost

if TYPE_CHECKING:
    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes
    from bench.speed.jobs import Files

RANDOM_WEIGHTS = (
    "all networks have random weights. Forward passes cost the same as with real ones. Steps that "
    "depend on labels may cost less: random maps overlap little with masks, so the search for "
    "formulas may end with fewer candidates; a random segmenter marks few of its classes; a random "
    "decoder rarely ends a sentence early, so its search costs at least as much as a trained one's"
)


def run(report: Report, sizes: Sizes) -> None:
    """Run the methods on each network; a network's evidence is shared, and counted separately."""
    report.set_facts(
        images=sizes.method_images, layers=list(sizes.method_layers), segmenter=sizes.segmenter,
        captioner=sizes.captioner, words=sizes.words, encoder=sizes.encoder,
        concepts=sizes.concepts, note=RANDOM_WEIGHTS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files = {}
        for arch in sizes.networks:
            (folder / arch).mkdir()
            files[arch] = make_files(
                folder / arch, arch, sizes.encoder, images=sizes.method_images,
                concepts=sizes.concepts, masked=True,
            )  # fmt: skip
        # Loop over methods first: if time runs out, only the most expensive ones are missing.
        for method, more in method_overrides(folder, sizes).items():
            for arch in sizes.networks:
                setting = Setting(
                    method, arch, sizes.method_layers, sizes.encoder, sizes.method_images,
                    report.device, sizes.batch_size, os.cpu_count() or 1, "float32", more,
                )  # fmt: skip
                work = partial(_run_method, files[arch], setting, folder / arch)
                report.add_row(f"{method} on {arch}", work)


def _run_method(files: Files, setting: Setting, folder: Path) -> dict[str, Any]:
    outcome = run_job(compose_job(files, setting, folder / "results"))
    layers = []
    for timing, record in zip(*outcome, strict=True):
        units, dead = record.target["units"], len(record.target["dead_units"])
        match_s = phase_seconds(timing["phases"], "match")
        layers.append(
            {
                "layer": record.target["layer"],
                "units": units,
                "alive": 1 - dead / units,
                "match_s": match_s,
                "match_s_per_unit": match_s / units,
                "cold_total_s": run_cost(timing)["cold_total_s"],
            }
        )
    return {
        "method": setting.method,
        "arch": setting.arch,
        "layers": layers,
        "phases": sum_phases(outcome.timings),
    }
