"""`dissectbench import`: score labels that others made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError, escape_controls

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from bench.imports.write import ImportResult
    from leaderboards.scores import ScoreSet

DESCRIPTION = """\
Score labels that others made, as the row of a method with `origin: imported`.

FILE is a CSV or TSV table with a header, or JSON lines, in UTF-8. Neither the network's weights nor
any image is needed. A file with labels of some units is scored on these units, and notes that."""
EPILOG = """\
examples:
  dissectbench import labels.csv --method mine --target resnet50_imagenet --layer fc
  dissectbench import tally.csv --method netdissect --target resnet18_places365 --layer fc \\
    --first-unit 1 --label-rules official --board places365 --given masks
  dissectbench import my-submission --board imagenet
  dissectbench import milan.csv --method milan --target resnet50_imagenet --layer fc \\
    --label-column description --vocabulary "free text"

Sentences ("free text") are correct if they mention the true name and no other name of the layer;
mask labels lose Broden's suffixes ("street-s" is street). Without --vocabulary, tables of Network
Dissection hold mask labels, and all others free text. A column of Python lists,
['fish', 'river'] or [('fish', 0.31), ('river', 0.12)], holds ranked labels, best first.
"""


def main(arguments: Sequence[str]) -> int:
    """Import a file or a submission; files that were imported before are skipped, and said so."""
    parsed = _parser()
    options = parsed.parse_intermixed_args(list(arguments))
    required = {f"--{name}": getattr(options, name) for name in ("method", "target", "layer")}
    if Path(options.file).is_dir():
        return _import_submission(options, [name for name, value in required.items() if value])
    if missing := [name for name, value in required.items() if value is None]:
        parsed.error(f"the following arguments are required: {', '.join(missing)}")
    from bench.imports.labels import Columns
    from bench.imports.labels_file import import_labels_file
    from bench.imports.record import Claim

    written, notes = import_labels_file(
        Claim(
            file=options.file,
            method=options.method,
            target=options.target,
            layer=options.layer,
            source=options.source,
            given=options.given,
            tuned_on=options.tuned_on,
        ),
        Columns(
            unit=options.unit_column,
            label=options.label_column,
            layer=options.layer_column or "layer",
            layer_given=options.layer_column is not None,
            score=options.score_column,
            rank=options.rank_column,
            first_unit=options.first_unit,
        ),
        board=options.board,
        results=options.results,
        units=options.units,
        vocabulary=options.vocabulary,
        official=_official(options),
        overrides=options.overrides,
        verified_by=options.verified_by,
    )
    _report(written, notes)
    return 0


def _import_submission(options: argparse.Namespace, given: Sequence[str]) -> int:
    """Import all files of a submission, which says what they are."""
    from bench.imports.labels_file import import_labels_file
    from bench.imports.submission import FILE, read_submission

    folder = Path(options.file)
    if given:
        raise UserError(
            f"{', '.join(given)}: a submission says this in {FILE}", hint="leave these options out"
        )
    found = read_submission(folder)
    if found.faults:
        raise UserError(
            f"{folder} has {len(found.faults)} faults",
            hint=f"list them: dissectbench submit-check {folder}",
        )
    for one in found.files:
        written, notes = import_labels_file(
            one.claim,
            one.columns,
            board=options.board,
            results=options.results,
            units=one.units,
            vocabulary=found.vocabulary,
            official=_official(options),
            overrides=options.overrides,
            verified_by=options.verified_by,
        )
        _report(written, notes)
    return 0


def _official(options: argparse.Namespace) -> bool | None:
    return None if options.label_rules is None else options.label_rules == "official"


def _parser() -> argparse.ArgumentParser:
    options = parser("import", DESCRIPTION, EPILOG)
    options.add_argument(
        "file",
        metavar="FILE",
        help="the labels: CSV, TSV or JSON lines; or a submission, which says the rest",
    )
    options.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="other settings to score by: scoring.*, target.truth.*, runtime.*",
    )
    about = options.add_argument_group("whose labels of what")
    about.add_argument("--method", metavar="NAME", help="name of its row")
    about.add_argument("--target", help="the network, such as resnet50_imagenet")
    about.add_argument("--layer", help="the layer, such as fc")
    about.add_argument("--units", type=int, metavar="N", help="units of an unlisted layer")
    about.add_argument("--given", default="not said", help="what the method got besides images")
    about.add_argument(
        "--vocabulary",
        type=lambda text: text.replace("-", " "),
        choices=("concept set", "mask labels", "free text"),
        help="where the labels come from",
    )
    about.add_argument(
        "--tuned-on", default="", metavar="dev", help="units that its settings were tuned on"
    )
    about.add_argument(
        "--verified-by",
        action="append",
        default=[],
        type=Path,
        metavar="RECORD",
        help="record of a run here, whose labels are compared with these",
    )
    about.add_argument("--source", default="not said", help="paper, repository, commit")
    table = options.add_argument_group("how the file is read")
    table.add_argument("--unit-column", default="unit", metavar="C", help="default: unit")
    table.add_argument("--label-column", default="label", metavar="C", help="default: label")
    table.add_argument(
        "--layer-column", metavar="C", help="default: layer, if there is such a column"
    )
    table.add_argument("--score-column", default="", metavar="C", help="the label's own score")
    table.add_argument(
        "--rank-column",
        nargs="?",
        const="rank",
        default="",
        metavar="C",
        help="several labels a unit, 1 = best (bare: rank)",
    )
    table.add_argument(
        "--first-unit", type=int, choices=(0, 1), default=0, help="number of the first unit"
    )
    out = options.add_argument_group("scores and records")
    out.add_argument(
        "--label-rules",
        choices=("mended", "official"),
        help="official: compare as CLIP-Dissect's published code does, faults included",
    )
    out.add_argument("--board", default="imported", metavar="NAME", help="default: imported")
    out.add_argument("--results", default="results", metavar="DIR", help="default: results")
    return options


def _report(written: ImportResult, notes: Sequence[str]) -> None:
    from bench.cli.console import Console
    from leaderboards.board import load_board
    from leaderboards.pages.console import print_board
    from leaderboards.scores import read_scores

    folder = written.folder
    if written.what == "skipped":
        sys.stdout.write(f"{folder}: skipped, this file was imported and scored before\n")
    else:
        sys.stdout.write(f"{folder}: {written.what}\n")
        sys.stdout.write("".join(f"  note: {escape_controls(note)}\n" for note in notes))
    sys.stdout.write(f"  {_right(read_scores(_scores_file(written)))}\n")
    print_board(load_board([folder]), Console())
    board = folder.parents[1]
    sys.stdout.write(f"records: {board}; all tables: dissectbench board {board} --out DIR\n")


def _scores_file(written: ImportResult) -> Path:
    return written.folder / "scores" / f"{written.skey}.json"


def _right(scores: ScoreSet) -> str:
    """Return how many labels are correct."""
    accuracy, coverage = scores.scores["accuracy_at_1"], scores.scores["coverage"]
    if accuracy.value is None:
        return f"no unit is scored: {accuracy.reason}"
    rules = "official" if scores.scoring["rules"]["official_labels"] else "mended"
    text = f"{round(accuracy.value * accuracy.n)} right of {accuracy.n} units scored"
    text += f" ({rules} label rules), {accuracy.n_unlabelled} of them without a label"
    return text + (f"; the layer has {coverage.n} named units" * (coverage.n > accuracy.n))
