"""`dissectbench sanity`: do metrics of faithfulness notice missing and wrong labels?"""

from __future__ import annotations

import sys
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import check_names, parser
from bench.errors import UserError
from bench.files import check_writable_file, writing

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

    import pandas as pd

DRAWS = 1_000
IMAGES = 500_000
DRAWS_OF_UNITS = 10
EPILOG = """\
An ideal unit is active on exactly the images with its concept. Half of the labels are removed
(missing), or as many wrong ones are added (extra), 1,000 times for each of five frequencies of the
concept. The table shows in how many percent of the draws a score falls by more than 0.1 % of the
metric's range, beside the percentages of Oikarinen, Yan & Weng (ICML 2025). A metric passes if it
falls in 90 % of the draws at every frequency, in both tests. The paper's verdict also asks this of
units of real networks (columns "networks").

With a RECORD, the units are the network's own, each with the concept of its label, on images that
the labels were not made with (as `dissectbench faithfulness`). 5 % of the units, but at least 20
(half, where there are fewer than 40), choose alpha, the share of the images on which a unit counts
as active, for each metric; the others are tested.

examples:
  dissectbench sanity                                   all metrics, about half a minute
  dissectbench sanity --metrics iou wpmi --draws 100
  dissectbench sanity --out sanity.csv                  changes by frequency, with expectations
  dissectbench sanity RECORD                            units of a network
  dissectbench sanity RECORD --correct --alpha 0.01     those with right labels, alpha of your own
"""


_LEGEND = """
missing, extra: percentage of units and draws in which the score falls (paper:
its mean over networks). A metric passes if both are 90 or more.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the tests, print the table, and write the details into a file."""
    options = parser("sanity", "Test metrics with missing and with extra labels.", EPILOG)
    options.add_argument(
        "records",
        nargs="*",
        metavar="RECORD|key=value",
        help="records, or folders of them, whose units are tested; and overrides of probe.* and "
        "runtime.*",
    )
    options.add_argument("--metrics", nargs="+", metavar="NAME", help="metrics to test (all)")
    options.add_argument(
        "--draws",
        type=int,
        help=f"draws of labels ({DRAWS:,}; with a record {DRAWS_OF_UNITS})",
    )
    options.add_argument("--images", type=int, help=f"images of an ideal unit ({IMAGES:,})")
    options.add_argument(
        "--alpha", type=float, metavar="SHARE", help="with a record: the same for all metrics"
    )
    options.add_argument(
        "--correct", action="store_true", help="with a record: only units whose label is right"
    )
    options.add_argument("--seed", type=int, default=0, help="seed of the draws (0)")
    options.add_argument("--out", type=Path, metavar="FILE.csv", help="file to write details to")
    given = options.parse_intermixed_args(list(arguments))

    from metrics.faithfulness import AGREEMENTS

    names = list(dict.fromkeys(given.metrics or AGREEMENTS))
    check_names(names, AGREEMENTS, "metric", "--metrics")
    if given.draws is not None and given.draws < 1:
        raise UserError(
            f"invalid number of draws {given.draws}", where="--draws", hint="give 1 or more"
        )
    if given.seed < 0:
        raise UserError(f"invalid seed {given.seed}", where="--seed", hint="give 0 or more")
    out = given.out.expanduser() if given.out else None
    if out:
        check_writable_file(out, "--out")
    checks = _check_records(given, names) if given.records else _check_ideal(given, names)
    if out:
        with writing(out, "--out"):
            checks.to_csv(out, index=False)
    return 0


def _check_ideal(given: Namespace, names: Sequence[str]) -> pd.DataFrame:
    """Test metrics on ideal units, and print the table."""
    from bench.cli.console import Console
    from metrics.sanity import PUBLISHED, run_checks, summarise

    for option, unset in (("alpha", None), ("correct", False)):
        if getattr(given, option) != unset:
            raise UserError(
                "ideal units have no such setting", where=f"--{option}", hint="name a RECORD"
            )
    images = IMAGES if given.images is None else given.images
    try:
        checks = run_checks(names, images=images, draws=given.draws or DRAWS, seed=given.seed)
    except ValueError as error:
        raise UserError(
            str(error), where="--images", hint=f"the paper's number is {IMAGES:,}"
        ) from error
    summary = summarise(checks)
    rows = []
    for name, row in summary.iterrows():
        paper = PUBLISHED[str(name)]
        figures = (100 * row["missing"], paper.missing, 100 * row["extra"], paper.extra)
        networks = (paper.networks_missing, paper.networks_extra)
        rows.append((str(name), list(map(_percent, figures + networks)), bool(row["passes"])))
    _print(("missing", "paper", "extra", "paper", "networks", ""), rows)
    deviation = summary["deviation"].max()
    if deviation == deviation:  # only top-and-random samples have no closed form
        Console().print(
            f"\nLargest deviation of a mean change from its closed form: {deviation:.4f}"
        )
    return checks


def _check_records(given: Namespace, names: Sequence[str]) -> pd.DataFrame:
    """Test metrics on the units of each record, and print a table for each."""
    import pandas as pd

    from bench.cli.faithfulness import STARTS
    from bench.cli.sanity_units import check_record
    from bench.rescore import find_folders
    from metrics.sanity import LEAST_SHARE, PUBLISHED

    overrides = [text for text in given.records if "=" in text]
    for text in overrides:
        if not text.lstrip("+").startswith(("probe.", "runtime.")):
            raise UserError(
                f"{text.partition('=')[0]!r} decides the labels",
                where=text,
                hint="sanity takes probe.* and runtime.*",
            )
    if given.images is not None:
        raise UserError(
            "the images of a record are given", where="--images", hint="probe.params.size=NUMBER"
        )
    if given.alpha is not None and not 0 < given.alpha < 1:
        raise UserError(
            f"invalid share {given.alpha}", where="--alpha", hint="give one between 0 and 1"
        )
    folders = find_folders([Path(text) for text in given.records if "=" not in text])
    if not folders:
        raise UserError("no record is named", hint="give the folder of a record.json")
    tables = []
    for folder in folders:
        try:
            checks = check_record(
                folder,
                overrides,
                names,
                chosen=any(text.lstrip("+").startswith(STARTS) for text in overrides),
                correct=given.correct,
                alpha=given.alpha,
                draws=given.draws or DRAWS_OF_UNITS,
                seed=given.seed,
            )
        except UserError as error:
            if len(folders) == 1:
                raise
            sys.stdout.write(f"{folder}: skipped, {error}\n")
            continue
        sys.stdout.write(f"{folder}: {checks['n'].max()} units\n")
        rows = []
        for name, own in checks.groupby("metric", sort=False):
            paper, first = PUBLISHED[str(name)], own.iloc[0]
            falls = own.set_index("test")["falls"]
            figures = [100 * falls["missing"], paper.networks_missing]
            figures += [100 * falls["extra"], paper.networks_extra]
            shown = [f"{100 * first['alpha']:g}", *map(_percent, figures)]
            rows.append((str(name), shown, bool((falls >= LEAST_SHARE).all())))
        _print(("alpha, %", "missing", "paper", "extra", "paper"), rows)
        tables.append(checks.assign(record=str(folder)))
    if not tables:
        raise UserError("no record can be tested", where="records")
    sys.stdout.write(_LEGEND)
    return pd.concat(tables)


def _print(columns: Iterable[str], rows: Iterable[tuple[str, Sequence[str], bool]]) -> None:
    """Print a table of metrics, with their figures and whether they pass."""
    from rich.table import Table

    from bench.cli.console import Console
    from metrics.faithfulness import AGREEMENTS, COMBINATIONS

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("metric", style="bold", overflow="fold", min_width=26)
    for column in columns:
        table.add_column(column, justify="right")
    table.add_column("passes")
    table.add_column("paper")
    for name, figures, passed in rows:
        table.add_row(
            name,
            *figures,
            _yes(passed),
            "" if name in COMBINATIONS else _yes(AGREEMENTS[name].passes),
        )
    Console().print(table, markup=False)


def _percent(value: float | None) -> str:
    return "" if value is None or isnan(value) else f"{value:.1f}"


def _yes(passes: bool) -> str:
    return "yes" if passes else "no"
