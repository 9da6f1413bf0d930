"""`dissectbench run`: one cell, a sweep, or an experiment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
examples:
  dissectbench run                                        the defaults, on the embedded world
  dissectbench run method.params.similarity=wpmi concepts=wordfreq_20k
  dissectbench run -m probe=glyphs_val,glyphs_half        a sweep
  dissectbench run experiment=glyphs_full                 a list of sweeps
  dissectbench run tuned_on=dev board=final               settings tuned on development units
  dissectbench plan experiment=paper_table1               what would run, what is missing
"""


def main(arguments: Sequence[str]) -> int:
    """Expand the request, run its pending cells, print the outcome."""
    options = parser("run", "Describe a layer's units and score the descriptions.", EPILOG)
    options.add_argument("-m", "--multirun", action="store_true", help="sweep over a,b,c values")
    options.add_argument("--cfg", action="store_true", help="print the composed config and stop")
    options.add_argument(
        "--possible",
        action="store_true",
        help="run only the jobs for which nothing is missing (see plan)",
    )
    options.add_argument("--config-dir", type=Path, help="a folder of your own config groups")
    options.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    given = options.parse_intermixed_args(arguments)

    from bench.config.compose import expand

    jobs = expand(given.overrides, multirun=given.multirun, config_dir=given.config_dir)
    if given.cfg:
        from omegaconf import OmegaConf

        for job in jobs:
            sys.stdout.write(OmegaConf.to_yaml(job.config, resolve=True))
        return 0

    from bench.cli.outcome import (
        count_timings,
        report,
        report_unmeasured,
        report_untimed,
        show,
    )
    from bench.run.launch import launch
    from bench.run.survey import plan

    plans = plan(jobs, only_possible=given.possible)
    timings = count_timings(plans)
    launch(plans, given.overrides)
    code = max(report(plans), report_untimed(timings), report_unmeasured(plans))
    show(plans)
    return code
