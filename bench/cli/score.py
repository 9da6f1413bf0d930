"""`dissectbench score`: score existing labels again, without running the method."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError
from bench.rescore import check_settings, find_folders, rescore

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
examples:
  dissectbench score results/glyphs scoring.official_labels=true
  dissectbench score RECORD target.truth.name=file target.truth.params.path=names.csv
  dissectbench score RECORD scoring.decisions.classifier=fc
  dissectbench score results/glyphs --replace

Scores of decisions need activations: if the cache no longer holds them, they are gathered again,
which needs the network and the probe images. --replace adds to the scores of an older release what
this one computes besides; ranks whose score matrix is no longer in the cache are kept.
"""


def main(arguments: Sequence[str]) -> int:
    """Score each record under the given settings; keep scores that exist."""
    options = parser("score", "Score existing labels under another truth, judge or rule.", EPILOG)
    options.add_argument(
        "records",
        nargs="+",
        metavar="RECORD|key=value",
        help="records, or folders of them; and overrides",
    )
    options.add_argument(
        "--replace", action="store_true", help="replace scores that exist under the same settings"
    )
    parsed = options.parse_intermixed_args(list(arguments))
    given = parsed.records
    overrides = [text for text in given if "=" in text]
    check_settings(overrides)
    folders = [Path(text) for text in given if "=" not in text]
    if not folders:
        raise UserError("no record is named", hint="give the folder of a record.json")
    for folder in find_folders(folders):
        done = rescore(folder, overrides, replace=parsed.replace)
        name = f"scores/{done.scores.name}" if done.scores else ""
        outcome = {
            "failed": "skipped, its run failed",
            "kept": f"{name} is there already",
            "scored": f"wrote {name}",
        }
        sys.stdout.write(f"{folder}: {outcome[done.state]}\n")
        if done.fault:
            sys.stdout.write(f"{folder}: cannot score: {done.fault}\n")
    return 0
