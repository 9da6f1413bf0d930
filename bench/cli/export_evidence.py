"""`dissectbench export-evidence`: write a job's activations and embeddings as files."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
examples:
  dissectbench export-evidence --out evidence                        the defaults of `run`
  dissectbench export-evidence --out evidence target.layers=[layer4,fc]
  dissectbench export-evidence --out evidence --maps method=netdissect target.layers=[layer4]

Writes activations/LAYER.npy [images, units] (with --maps maps/LAYER.npy [images, units, rows,
columns]) and names.txt; where the method needs an encoder, images.npy and texts.npy [rows,
dimensions] and words.txt. Prints the command that runs the same method on these files.
"""


def main(arguments: Sequence[str]) -> int:
    """Read the evidence of one job from the cache, or gather it, and write it."""
    options = parser(
        "export-evidence", "Write a job's activations and embeddings as files.", EPILOG
    )
    options.add_argument("--out", type=Path, required=True, help="folder to write into")
    options.add_argument(
        "--maps", action="store_true", help="write the units' maps in place of their averages"
    )
    options.add_argument("--config-dir", type=Path, help="a folder of your own config groups")
    options.add_argument("overrides", nargs="*", help="as for `dissectbench run`")
    given = options.parse_intermixed_args(arguments)

    from bench.config.compose import expand
    from bench.evidence import Store
    from bench.evidence.prune import keep_within
    from bench.offline import offline
    from bench.run import survey
    from bench.run.device import resolve_device
    from bench.run.evidence_files import export_evidence
    from bench.run.log import job_log

    jobs = expand(given.overrides, multirun=None, config_dir=given.config_dir)
    if len(jobs) != 1 or jobs[0].config.runtime.share:
        raise UserError(
            "evidence is written for one job and one whole probe set",
            hint="leave out experiment=... and runtime.share=...",
        )
    [plan] = survey.plan(jobs)
    config = plan.job.config
    with offline(config.runtime.offline), job_log():
        out = given.out.expanduser()
        written = export_evidence(plan, out, resolve_device(config), maps=given.maps)
        keep_within(Store(config.runtime.cache), config.runtime.cache_limit_gb)
    for layer, shape in written.layers.items():
        sys.stdout.write(f"{layer}: float32 {list(shape)}\n")
    sys.stdout.write(f"written: {out}\n")
    command = shlex.join(["dissectbench", "run", *written.overrides])
    sys.stdout.write(f"to run the method on them: {command}\n")
    return 0
