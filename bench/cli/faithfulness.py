"""`dissectbench faithfulness`: are the labels of units true on held-out images?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import check_names, parser
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.run.faithfulness import FaithfulnessResult
    from leaderboards.record import Record

STARTS = ("probe.name=", "probe.params.offset=", "probe.params.path=")
"""Overrides that say where the held-out images start."""
EPILOG = """\
A label predicts on which images its unit is active: on those that show its concept. The table
compares this with the unit's activations on images that the labels were not made with and whose
concepts are known by masks or classes; no true names are needed. These are as many images that
follow the record's own in its probe set (Glyphs, folders with classes), or others that you choose.
Labels with a concept that is not known of the images are left out and counted (unknown).

examples:
  dissectbench faithfulness results/local
  dissectbench faithfulness RECORD probe.params.size=8000 --metrics correlation iou mad
  dissectbench faithfulness RECORD probe.name=class_folder probe.params.path=IMAGES
  dissectbench faithfulness results/local --out faithfulness.csv       intervals and controls too
"""


def main(arguments: Sequence[str]) -> int:
    """Score each record, print the table, and write the details into a file."""
    options = parser("faithfulness", "Compare units with what their labels predict.", EPILOG)
    options.add_argument(
        "records",
        nargs="+",
        metavar="RECORD|key=value",
        help="records, or folders of them; and overrides of probe.* and runtime.*",
    )
    options.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="metrics (the five that pass the sanity checks)",
    )
    options.add_argument(
        "--alpha", type=float, default=0.01, metavar="SHARE",
        help="share of the images on which a unit counts as active (0.01)",
    )  # fmt: skip
    options.add_argument("--out", type=Path, metavar="FILE.csv", help="file to write details to")
    given = options.parse_intermixed_args(list(arguments))
    overrides = [text for text in given.records if "=" in text]
    for text in overrides:
        if not text.lstrip("+").startswith(("probe.", "runtime.")):
            raise UserError(
                f"{text.partition('=')[0]!r} decides the labels",
                where=text,
                hint="faithfulness takes probe.* and runtime.*",
            )
    if not 0 < given.alpha < 1:
        raise UserError(
            f"invalid share {given.alpha}", where="--alpha", hint="give one between 0 and 1"
        )

    from bench.rescore import find_folders
    from metrics.faithfulness import AGREEMENTS
    from metrics.faithfulness_scores import PASSING

    names = tuple(dict.fromkeys(given.metrics or PASSING))
    check_names(names, AGREEMENTS, "metric", "--metrics")
    folders = find_folders([Path(text) for text in given.records if "=" not in text])
    if not folders:
        raise UserError("no record is named", hint="give the folder of a record.json")
    rows = [row for folder in folders for row in _measure(folder, overrides, names, given.alpha)]
    if not rows:
        raise UserError("no record can be scored", where="records")
    if given.out:
        import pandas as pd

        from bench.files import writing

        out = given.out.expanduser()
        with writing(out, "--out"):
            pd.DataFrame(rows).to_csv(out, index=False)
    _print(rows, names)
    return 0


def _measure(
    folder: Path, overrides: Sequence[str], names: Sequence[str], alpha: float
) -> list[dict[str, Any]]:
    """Return a row for each metric; none for a record without labels or without a network."""
    from bench.offline import offline
    from bench.rescore import record_config
    from bench.run.faithfulness import measure_faithfulness
    from bench.run.plan import explain_fault
    from leaderboards.record import Record, RecordError
    from leaderboards.record_tables import read_descriptions

    try:
        record = Record.read(folder)
        if record.status != "ok" or record.is_imported:
            reason = "its run failed" if record.status != "ok" else "its labels are imported"
            sys.stdout.write(f"{folder}: skipped, {reason}\n")
            return []
        config = record_config(folder, overrides)
        descriptions = read_descriptions(folder)
    except RecordError as error:
        raise explain_fault(error) from error
    with offline(config.runtime.offline):
        measured = measure_faithfulness(
            record,
            descriptions,
            config,
            names=names,
            alpha=alpha,
            chosen=any(text.lstrip("+").startswith(STARTS) for text in overrides),
        )
    return list(_rows(record, measured, alpha))


def _rows(record: Record, measured: FaithfulnessResult, alpha: float) -> list[dict[str, Any]]:
    control = record.target.get("control")
    row = {
        "board": record.board,
        "method": record.method["name"],
        "key": record.key,
        "target": record.target["name"],
        "control": f"{control['name']} {control['seed']}" if control else "",
        "layer": record.target["layer"],
        "probe": record.probe["name"],
        "concepts": record.concepts["name"],
        "images": len(measured.probe),
        "alpha": alpha,
    }
    return [
        {
            **row,
            "metric": name,
            "value": score.value,
            "ci_low": score.ci_low,
            "ci_high": score.ci_high,
            "n": score.n,
            "n_unlabelled": score.n_unlabelled,
            "unknown": score.detail["unknown"],
            "chance": score.chance,
            "ceiling": score.ceiling,
            "p_shuffled": score.p_shuffled,
        }
        for name, score in measured.scores.items()
    ]


def _print(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print a line for each record; its rows follow one another, one for each metric."""
    from rich.table import Table

    from bench.cli.console import Console

    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("method", style="bold", overflow="fold")
    shown.add_column("layer", overflow="fold")
    for column in ("n", "unknown", *names):
        shown.add_column(column, justify="right", overflow="fold")
    for start in range(0, len(rows), len(names)):
        first = rows[start]
        control = f" ({first['control']})" if first["control"] else ""
        shown.add_row(
            f"{first['method']} {first['key'][:6]}",
            f"{first['layer']}{control}",
            str(first["n"]),
            str(first["unknown"]),
            *map(_cell, rows[start : start + len(names)]),
        )
    console = Console()
    console.print(shown, markup=False)
    console.print("\n* better than the same labels in random order (p < 0.05)", markup=False)


def _cell(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return ""
    return f"{row['value']:.3f}{'*' if row['p_shuffled'] < 0.05 else ' '}"
