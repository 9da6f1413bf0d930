"""`python -m bench.speed.cell`: the whole five-layer ResNet-50 cell, from JPEG files to labels.

Times need no real weights: networks of random weights, and images made up here, cost the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.files import write_atomic
from bench.packages import told_to_user
from bench.speed.cell_inputs import make_encoder, make_images, make_network, make_tree
from bench.speed.naming import slug

LAYERS = ("conv1", "layer1", "layer2", "layer3", "layer4")
BRODEN = 63_305
"""Images of Broden, the probe set of the papers' timings."""
METHODS = ("clip_dissect", "netdissect")


def main() -> int:
    """Make the files, run the cell on an empty cache, print and keep its phases."""
    options = argparse.ArgumentParser(prog="python -m bench.speed.cell", description=__doc__)
    options.add_argument("--images", type=int, default=BRODEN)
    options.add_argument("--device", default="cuda")
    options.add_argument("--batch-size", type=int, default=256)
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--method", choices=METHODS, default=METHODS[0])
    options.add_argument("--maps-limit-gb", type=float, default=8.0, help="of a layer, on disk")
    options.add_argument("--arch", default="resnet50")
    options.add_argument("--layers", nargs="+", default=list(LAYERS))
    options.add_argument("--encoder", default="ViT-B-16", help="an open_clip architecture")
    options.add_argument("--concepts", default="wordfreq_20k")
    options.add_argument("--plain", action="store_true", help="CLIP-Dissect's plain loop too")
    options.add_argument("--out", type=Path, default=Path("leaderboards/speed"))
    given = options.parse_args()
    try:
        return _time(given)
    except (UserError, ModuleNotFoundError) as error:
        told = told_to_user(error)
        if told is None:
            raise
        sys.stderr.write(f"{told}\n")
        return 2


def _time(given: argparse.Namespace) -> int:
    from bench.config.compose import expand
    from bench.run.execute import execute
    from bench.run.survey import plan

    labels_by_encoder = given.method == "clip_dissect"
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        probe = [f"probe.params.path={folder / 'images'}"]
        if labels_by_encoder:
            make_images(folder / "images", given.images)
            probe += ["probe=folder"]
        else:  # masks are of whole images: the network must see all of them
            make_tree(folder / "images", given.images)
            probe += ["probe=broden", "target.params.input_size=224", "target.params.resize=224"]
        network, encoder = folder / "network.pth", folder / "encoder.pt"
        [job] = expand(
            [
                "board=speed",
                f"results={folder / 'results'}",
                f"runtime.device={given.device}",
                f"runtime.batch_size={given.batch_size}",
                f"runtime.workers={given.workers}",
                "target=torchvision",
                f"target.params.arch={given.arch}",
                f"target.params.file={network}",
                f"target.layers=[{','.join(given.layers)}]",
                f"method={given.method}",
                f"runtime.maps_limit_gb={given.maps_limit_gb}",
                *probe,
                f"concepts={given.concepts}",
                "encoder=open_clip",
                f"encoder.params.model={given.encoder}",
                f"encoder.params.pretrained={encoder}",
            ]
        )
        make_network(network, given.arch)
        if labels_by_encoder:
            make_encoder(encoder, given.encoder)
        plan([job])  # what is missing is said before anything runs
        execute(job)
        loop = None
        if given.plain and labels_by_encoder:
            from bench.run.parts import build_parts
            from bench.speed.plain_cell import describe

            loop = describe(build_parts(job.config), given.device, given.batch_size, given.workers)
        cells = [
            json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
            for path in sorted((folder / "results").rglob("timings.jsonl"))
        ]
    if len(cells) != len(given.layers):
        sys.stderr.write("the cell failed: see the log above\n")
        return 1
    content = {
        "schema": 1,
        "method": given.method,
        "arch": given.arch,
        "layers": given.layers,
        "encoder": given.encoder,
        "images": given.images,
        "batch_size": given.batch_size,
        "workers": given.workers,
        "hardware": cells[0]["hardware"],
        "cells": cells,
        "plain": loop,
    }
    given.out.mkdir(parents=True, exist_ok=True)
    name = "cell" if labels_by_encoder else f"cell-{given.method}"
    file = given.out / f"{name}-{slug(cells[0]['hardware'])}.json"
    write_atomic(file, json.dumps(content, indent=1, sort_keys=True) + "\n")
    sys.stdout.write(_report(content))
    return 0


def _report(content: dict[str, Any]) -> str:
    """Seconds by phase: what the layers share once, matching and scoring summed over them."""
    phases = [phase for cell in content["cells"] for phase in cell["phases"]]
    seconds: dict[str, float] = {}
    for phase in phases:
        name, wall = phase["name"], float(phase["wall_s"])
        shared = name not in {"match", "score"}
        seconds[name] = max(seconds.get(name, 0.0), wall) if shared else seconds.get(name, 0) + wall
    lines = [f"{name:>16}: {wall:8.2f} s" for name, wall in seconds.items()]
    peaks = [p["peak_device_bytes"] for p in phases if p["peak_device_bytes"] is not None]
    if peaks:
        lines.append(f"{'GPU memory':>16}: {max(peaks) / 2**30:8.2f} GiB")
    lines.append(f"{'images/s':>16}: {content['images'] / seconds['gather']:8.0f}")
    if content["plain"]:
        ours = sum(wall for name, wall in seconds.items() if name in {"gather", "text", "match"})
        plain = sum(phase["wall_s"] for phase in content["plain"])
        peaks = [
            max(int(phase["peak_host_bytes"] or 0) for phase in side) / 2**30
            for side in (phases, content["plain"])
        ]
        lines += [f"{'plain ' + p['name']:>16}: {p['wall_s']:8.2f} s" for p in content["plain"]]
        lines.append(f"{'plain / ours':>16}: {plain / ours:8.2f} x")
        lines.append(f"{'host memory':>16}: {peaks[0]:.2f} GiB, plain {peaks[1]:.2f} GiB")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
