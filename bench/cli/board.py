"""`dissectbench board`: leaderboards from the records on disk."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cli.arguments import parser
from bench.errors import UserError

EPILOG = """\
examples:
  dissectbench board results/glyphs --out boards/glyphs
  dissectbench board leaderboards/glyphs/records --out leaderboards/glyphs --check
"""


def main(arguments: Sequence[str]) -> int:
    """Write (or with --check compare) the tables of one or several folders of records."""
    options = parser("board", "Leaderboards from the records on disk.", EPILOG)
    options.add_argument("results", nargs="*", type=Path, default=[Path("results")])
    options.add_argument("--out", type=Path, required=True, help="folder for the tables")
    options.add_argument("--check", action="store_true", help="fail where the tables would change")
    given = options.parse_args(arguments)
    return make_board(given.results, given.out, check=given.check)


def make_board(results: Sequence[Path], out: Path, *, check: bool = False) -> int:
    """Make the board of `results` in `out`; shared with `dissectbench demo`."""
    raise NotImplementedError
