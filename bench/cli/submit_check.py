"""`dissectbench submit-check`: whether a submission is complete and consistent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION = """\
Check a folder with labels and a file submission.yaml, and list all that is wrong with it.

Nothing is run and nothing is written."""
EPILOG = """\
examples:
  dissectbench submit-check my-submission
  dissectbench import my-submission --board imagenet

Exit codes: 0 complete, 1 something is wrong with it, 2 there is no such folder.
"""

_SHOWN = 100
"""Faults that are printed."""


def main(arguments: Sequence[str]) -> int:
    """Check one folder and print its faults, each with a hint."""
    options = parser("submit-check", DESCRIPTION, EPILOG)
    options.add_argument("folder", metavar="DIR", type=Path, help="the submission")
    given = options.parse_args(arguments)

    from bench.imports.submission import read_submission
    from leaderboards.pages.markdown import clean

    found = read_submission(given.folder)
    for fault in found.faults[:_SHOWN]:
        lines = str(fault).split("\n")
        sys.stdout.write("".join(f"{clean(line, 500)}\n" for line in lines[:1]))
        sys.stdout.write("".join(f"  {clean(line, 500)}\n" for line in lines[1:]))
    if len(found.faults) > _SHOWN:
        sys.stdout.write(f"and {len(found.faults) - _SHOWN:,} more\n")
    sys.stdout.write("".join(f"note: {clean(note, 500)}\n" for note in found.notes))
    name = clean(given.folder.as_posix(), 500)
    if found.faults:
        count = len(found.faults)
        sys.stdout.write(f"{name}: {count:,} fault{'' if count == 1 else 's'}\n")
        return 1
    units = sum(one.n_units for one in found.files)
    files = f"{len(found.files):,} file{'' if len(found.files) == 1 else 's'} of labels"
    sys.stdout.write(f"{name}: complete, {files} for {units:,} units\n")
    return 0
