"""`dissectbench diff`: what differs between two records, or between the records of two folders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboards.diff import Entry, RecordDiff

EPILOG = """\
examples:
  dissectbench diff results/before results/after
  dissectbench diff records.tar.xz results/local --ignore board environment run
  dissectbench diff records.tar.xz:7bf5 records.tar.xz:netdissect/90ac --csv labels.csv

A and B are records, folders of records, or archives of them (`dissectbench pack`). PATH:KEY and
PATH:METHOD/KEY select the records of a folder or archive whose keys begin so. Times are shown, but
count as no difference. Exit codes: 0 equal, 1 different, 2 the request was wrong.
"""


def main(arguments: Sequence[str]) -> int:
    """Print what differs; return 0 if nothing does, else 1."""
    options = parser("diff", "Show what differs between records.", EPILOG)
    options.add_argument("a", metavar="A", help="a record, or a folder or archive of records")
    options.add_argument("b", metavar="B", help="what to compare it with")
    options.add_argument("--csv", type=Path, help="file for all units whose first labels differ")
    options.add_argument(
        "--ignore",
        nargs="+",
        default=[],
        metavar="NAME",
        help="settings that count as no difference: environment, target.params.file",
    )
    given = options.parse_args(arguments)

    import pandas as pd

    from bench.cli.diff_text import folders_text, record_text
    from bench.files import write_atomic, writing
    from bench.run.archive import record_folders
    from leaderboards.diff import match_records
    from leaderboards.files import csv_bytes
    from leaderboards.pages.spreadsheet import escape_texts

    addresses = [_parse(text) for text in (given.a, given.b)]
    with record_folders(path for path, _ in addresses) as folders:
        (a, damaged_a), (b, damaged_b) = (
            _find(f"{side} ({text})", folder, key)
            for side, text, folder, (_, key) in zip(
                "AB", (given.a, given.b), folders, addresses, strict=True
            )
        )
        if len(a) == len(b) == 1:
            pairs: list[tuple[Entry | None, Entry | None]] = [(a[0], b[0])]
        else:
            pairs = match_records(a, b)
        found = [_compare(own, other, given.ignore) for own, other in pairs]
    diffs = [one for one in found if not isinstance(one, str)]
    if len(a) == len(b) == 1:
        if not diffs:
            raise UserError(str(found[0]), hint="compare other records")
        sys.stdout.write(record_text(diffs[0]))
    else:
        sys.stdout.write(folders_text(a, b, pairs, found))
    if given.csv:
        labels = pd.concat([one.labels for one in diffs], ignore_index=True)
        with writing(given.csv, "--csv"):
            write_atomic(given.csv, csv_bytes(escape_texts(labels)))
    equal = all(not isinstance(one, str) and one.is_empty for one in found)
    return 0 if equal and not damaged_a and not damaged_b else 1


def _parse(address: str) -> tuple[Path, str]:
    """Return the path of an address, and the beginning of the keys that it selects."""
    path, _, key = address.rpartition(":")
    if Path(address).exists():
        return Path(address), ""
    if path and Path(path).exists():
        return Path(path), key
    raise UserError(
        f"there is no file or folder {address!r}",
        hint="give a record, or a folder or archive of records, or PATH:METHOD/KEY",
    )


def _find(side: str, folder: Path, key: str) -> tuple[list[Entry], int]:
    """Return the selected records of a folder, and the number of those that cannot be read.

    Raises:
        UserError: There is none.
    """
    from leaderboards.pages.markdown import clean
    from leaderboards.storage import find_records

    search = find_records(folder)
    damaged = [one for one in search.problems if one.kind != "duplicate" and not key]
    for problem in damaged:
        text = clean(f"{problem.kind}: {problem.where}: {problem.message}", 300)
        sys.stdout.write(f"left out of {clean(side, 300)}: {text}\n")
    names = [f"{record.method['name']}/{record.key}" for _, record in search.records]
    entries = [
        entry
        for name, entry in zip(names, search.records, strict=True)
        if name.startswith(key) or entry[1].key.startswith(key)
    ]
    if not entries:
        raise UserError(
            f"there is no record {key!r} here" if names else "there is no record here",
            where=side,
            valid=nearest(key, names),
            hint=f"names here are such as {names[0]}" if names else "give a folder of records",
        )
    return entries, len(damaged)


def _compare(a: Entry | None, b: Entry | None, ignored: Sequence[str]) -> RecordDiff | str:
    """Return what differs, or why nothing can be compared."""
    from leaderboards.diff import compare_records
    from leaderboards.record import RecordError

    if a is None or b is None:
        return "only in B" if a is None else "only in A"
    try:
        return compare_records(a, b, ignored)
    except RecordError as error:
        return str(error)
