"""`dissectbench sanity`: do metrics of faithfulness notice missing and wrong labels?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import check_names, parser
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

DRAWS = 1_000
IMAGES = 500_000
EPILOG = """\
An ideal unit is active on exactly the images with its concept. Half of the labels are removed
(missing), or as many wrong ones are added (extra), 1,000 times for each of five frequencies of the
concept. The table shows in how many percent of the draws a score falls by more than 0.1 % of the
metric's range, beside the percentages of Oikarinen, Yan & Weng (ICML 2025). A metric passes if it
falls in 90 % of the draws at every frequency, in both tests. The paper's verdict also asks this of
units of real networks (columns "networks").

examples:
  dissectbench sanity                                   all metrics, about half a minute
  dissectbench sanity --metrics iou wpmi --draws 100
  dissectbench sanity --out sanity.csv                  changes by frequency, with expectations
"""


def main(arguments: Sequence[str]) -> int:
    """Run the tests, print the table, and write the details into a file."""
    options = parser("sanity", "Test metrics with missing and with extra labels.", EPILOG)
    options.add_argument("--metrics", nargs="+", metavar="NAME", help="metrics to test (all)")
    options.add_argument("--draws", type=int, default=DRAWS, help=f"draws of labels ({DRAWS:,})")
    options.add_argument(
        "--images", type=int, default=IMAGES, help=f"images of an ideal unit ({IMAGES:,})"
    )
    options.add_argument("--seed", type=int, default=0, help="seed of the draws (0)")
    options.add_argument("--out", type=Path, metavar="FILE.csv", help="file to write details to")
    given = options.parse_args(arguments)

    from metrics.faithfulness import AGREEMENTS
    from metrics.sanity import run_checks

    names = given.metrics or list(AGREEMENTS)
    check_names(names, AGREEMENTS, "metric", "--metrics")
    if given.draws < 1:
        raise UserError(
            f"invalid number of draws {given.draws}", where="--draws", hint="give 1 or more"
        )
    try:
        checks = run_checks(names, images=given.images, draws=given.draws, seed=given.seed)
    except ValueError as error:
        raise UserError(
            str(error), where="--images", hint=f"the paper's number is {IMAGES:,}"
        ) from error
    if given.out:
        from bench.files import writing

        out = given.out.expanduser()
        with writing(out, "--out"):
            checks.to_csv(out, index=False)
    _print(checks)
    return 0


def _print(checks: pd.DataFrame) -> None:
    from rich.table import Table

    from bench.cli.console import Console
    from metrics.faithfulness import AGREEMENTS, COMBINATIONS
    from metrics.sanity import PUBLISHED, summarise

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("metric", style="bold", overflow="fold", min_width=26)
    for column in ("missing", "paper", "extra", "paper", "networks", ""):
        table.add_column(column, justify="right")
    table.add_column("passes")
    table.add_column("paper")
    summary = summarise(checks)
    for name, row in summary.iterrows():
        name = str(name)
        paper = PUBLISHED[name]
        figures = (100 * row["missing"], paper.missing, 100 * row["extra"], paper.extra)
        networks = (paper.networks_missing, paper.networks_extra)
        table.add_row(
            name,
            *("" if value is None else f"{value:.1f}" for value in (*figures, *networks)),
            _yes(row["passes"]),
            "" if name in COMBINATIONS else _yes(AGREEMENTS[name].passes),
        )
    console = Console()
    console.print(table, markup=False)
    deviation = summary["deviation"].max()
    if deviation == deviation:  # only top-and-random samples have no closed form
        console.print(f"\nLargest deviation of a mean change from its closed form: {deviation:.4f}")


def _yes(passes: bool) -> str:
    return "yes" if passes else "no"
