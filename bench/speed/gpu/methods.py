"""Every method on the same images with masks: what it costs on each network."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.speed.cell_job import Setting, compose_job, make_files, run_job, sum_phases
from bench.speed.gpu.network_files import method_overrides
from leaderboards.costs import run_cost

if TYPE_CHECKING:
    from bench.speed.cell_job import Files
    from bench.speed.gpu.sheet import Sheet
    from bench.speed.gpu.sizes import Sizes

RANDOM_WEIGHTS = (
    "all networks have random weights. Forward passes cost the same as with real ones. Less may be "
    "done where labels decide what follows: random maps overlap little with masks, so the search "
    "for formulas may end with fewer of them to look at; a random segmenter marks few of its "
    "classes; a random decoder seldom ends a sentence early, so that its search costs at least as "
    "much as a trained one's"
)


def run(sheet: Sheet, sizes: Sizes) -> None:
    """Run the methods on each network; networks' evidence is shared, and counted apart."""
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        sheet.say(images=sizes.method_images, layers=list(sizes.method_layers),
                  segmenter=sizes.segmenter, captioner=sizes.captioner, words=sizes.words,
                  encoder=sizes.encoder, concepts=sizes.concepts, note=RANDOM_WEIGHTS)  # fmt: skip
        files = {}
        for arch in sizes.networks:
            (folder / arch).mkdir()
            files[arch] = make_files(
                folder / arch, arch, sizes.encoder, images=sizes.method_images,
                concepts=sizes.concepts, masked=True,
            )  # fmt: skip
        # By method: where time runs out, it is the dearest that are lacking, on both networks.
        for method, more in method_overrides(folder, sizes).items():
            for arch in sizes.networks:
                setting = Setting(
                    method, arch, sizes.method_layers, sizes.encoder, sizes.method_images,
                    sheet.device, sizes.batch_size, os.cpu_count() or 1, "float32", more,
                )  # fmt: skip
                work = partial(_method, files[arch], setting, folder / arch)
                sheet.row(f"{method} on {arch}", work)


def _method(files: Files, setting: Setting, home: Path) -> dict[str, Any]:
    outcome = run_job(compose_job(files, setting, home / "results"))
    layers = []
    for timing, record in zip(outcome.timings, outcome.records, strict=True):
        units, dead = record.target["units"], len(record.target["dead_units"])
        match = next(phase for phase in timing["phases"] if phase["name"] == "match")
        layers.append(
            {
                "layer": record.target["layer"],
                "units": units,
                "alive": 1 - dead / units,
                "match_s": match["wall_s"],
                "match_s_per_unit": match["wall_s"] / units,
                "cold_total_s": run_cost(timing)["cold_total_s"],
            }
        )
    return {
        "method": setting.method,
        "arch": setting.arch,
        "layers": layers,
        "phases": sum_phases(outcome.timings),
    }
