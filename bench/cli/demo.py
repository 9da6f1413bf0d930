"""`dissectbench demo`: a first look at every method on the embedded world, and its leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.board import make_board
from bench.cli.outcome import report, show
from bench.cli.site import make_site
from bench.config.compose import expand
from bench.run.launch import launch
from bench.run.survey import plan

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = "Overrides are those of `dissectbench run`, such as runtime.batch_size=32."

FIRST = 8
"""Jobs of `experiment=glyphs_demo` whose table is printed before the others run."""


def main(arguments: Sequence[str]) -> int:
    """Run `experiment=glyphs_demo`; show a first table, then the board, and make its site."""
    options = parser("demo", "Run each method on Glyphs, and show the leaderboard.", EPILOG)
    options.add_argument("--out", type=Path, help="folder for the tables (RESULTS/boards/BOARD)")
    options.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    given = options.parse_intermixed_args(arguments)
    jobs = expand(["experiment=glyphs_demo", *given.overrides])
    plans = plan(jobs)
    if launch(plans[:FIRST], given.overrides):
        show(plans[:FIRST])
    launch(plans[FIRST:], given.overrides)
    code = report(plans)
    config = jobs[0].config
    results = Path(config.results).expanduser()
    out = given.out or results / "boards" / config.board
    code = max(code, make_board([results / config.board], out))
    runtime = [text for text in given.overrides if text.lstrip("+").startswith("runtime.")]
    return max(code, make_site([results / config.board], out / "site", runtime))
