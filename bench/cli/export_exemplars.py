"""`dissectbench export-exemplars`: write units' top images and masks as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from baselines.spatial import ExemplarRule
    from bench.config.compose import Job

EPILOG = """\
examples:
  dissectbench export-exemplars --out exemplars                      the defaults of `run`
  dissectbench export-exemplars --out exemplars target.layers=[layer4,fc] --size 128
  dissectbench export-exemplars --out exemplars --model resnet18 --dataset places \\
    target=torchvision target.params.arch=resnet18 target.params.file=places.pth.tar \\
    target.layers=[layer4] probe=folder probe.params.path=images
  dissectbench export-exemplars --out sheets --sheet 0,7,42 --size 96

One folder per layer, OUT/MODEL/DATASET/LAYER, in the layout of MILANNOTATIONS: images.npy,
masks.npy (uint8 [units, images, 3 or 1, size, size]), activations.csv and ids.csv (one row per
unit, no header); and units.npy with the numbers of the units if dead units are left out. --sheet
draws a picture of some units instead, OUT/MODEL/DATASET/LAYER.png, bright where a unit fires.
"""


def main(arguments: Sequence[str]) -> int:
    """Read exemplars of the target's layers from the cache, or gather them, and write them."""
    options = parser(
        "export-exemplars", "Write units' top images and masks in MILANNOTATIONS' layout.", EPILOG
    )
    options.add_argument("--out", type=Path, required=True, help="folder to write into")
    options.add_argument("--model", default="", help="name of the model's folder")
    options.add_argument("--dataset", default="", help="name of the probe set's folder")
    options.add_argument("--top-k", type=int, default=15, help="images of each unit (15)")
    options.add_argument(
        "--quantile",
        type=float,
        default=0.99,
        help="quantile of values above which a unit fires (0.99)",
    )
    options.add_argument("--size", type=int, default=224, help="side in pixels (224)")
    options.add_argument(
        "--sheet", type=_units, metavar="UNITS", help="draw these units instead: 0,7,42"
    )
    options.add_argument("--config-dir", type=Path, help="a folder of your own config groups")
    options.add_argument(
        "overrides", nargs="*", help="of target, probe and runtime, as for `dissectbench run`"
    )
    given = options.parse_intermixed_args(arguments)
    rule = _rule(given)

    from bench.config.compose import expand

    jobs = expand(given.overrides, multirun=None, config_dir=given.config_dir)
    if len(jobs) != 1 or jobs[0].config.runtime.share:
        raise UserError(
            "exemplars are written for one target and one whole probe set",
            hint="leave out experiment=... and runtime.share=...",
        )
    return _export(jobs[0], rule, given)


def _units(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError as error:
        raise UserError(
            f"invalid list of units {text!r}", where="--sheet", hint="numbers with commas: 0,7,42"
        ) from error


def _rule(given: argparse.Namespace) -> ExemplarRule:
    from baselines.spatial import ExemplarRule

    if given.size < 1:
        raise UserError(f"invalid size {given.size}", where="--size", hint="give 1 pixel or more")
    try:
        return ExemplarRule(given.top_k, given.quantile)
    except ValueError as error:
        where = "--top-k" if given.top_k < 1 else "--quantile"
        raise UserError(str(error), where=where) from error


def _export(job: Job, rule: ExemplarRule, given: argparse.Namespace) -> int:
    from bench.offline import offline

    with offline(job.config.runtime.offline):
        return _write(job, rule, given)


def _write(job: Job, rule: ExemplarRule, given: argparse.Namespace) -> int:
    from bench.evidence.prune import keep_within
    from bench.files import writing
    from bench.run.exemplar_files import layer_folders, write_exemplars
    from bench.run.exemplar_sheet import draw_sheet
    from bench.run.exemplars import ExemplarSource
    from bench.run.log import job_log

    source = ExemplarSource.of(job.config)
    model, dataset = given.model or source.model, given.dataset or source.dataset
    folders = layer_folders(given.out.expanduser(), model, dataset, source.layers)
    with job_log():
        found = source.gather(rule, given.size)
        if given.sheet:
            for layer, folder in folders.items():
                sheet = folder.with_name(f"{folder.name}.png")
                with writing(sheet, "--out"):
                    draw_sheet(found[layer], given.sheet, source.names(layer), sheet)
                sys.stdout.write(f"{len(given.sheet)} units: {sheet}\n")
            return 0
        for layer, folder in folders.items():
            units = write_exemplars(found[layer], folder)
            dead = len(found[layer].ids) - units
            left = f" ({dead} dead units left out)" if dead else ""
            sys.stdout.write(f"{units} units{left}: {folder}\n")
        keep_within(source.store, job.config.runtime.cache_limit_gb)
    return 0
