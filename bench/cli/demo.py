"""`dissectbench demo`: the whole benchmark on the embedded world, and its leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.board import make_board
from bench.cli.outcome import report
from bench.config.compose import expand
from bench.run.launch import launch
from bench.run.survey import plan

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = "Overrides are those of `dissectbench run`, such as runtime.batch_size=32."


def main(arguments: Sequence[str]) -> int:
    """Run the pending cells of `experiment=glyphs_demo`, then show its board."""
    options = parser("demo", "Run the benchmark on Glyphs, and show its leaderboard.", EPILOG)
    options.add_argument("--out", type=Path, help="folder for the tables (RESULTS/boards/glyphs)")
    options.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    given = options.parse_intermixed_args(arguments)
    jobs = expand(["experiment=glyphs_demo", *given.overrides])
    plans = plan(jobs)
    launch(plans, given.overrides)
    code = report(plans)
    config = jobs[0].config
    results = Path(config.results).expanduser()
    out = given.out or results / "boards" / config.board
    return max(code, make_board([results / config.board], out))
