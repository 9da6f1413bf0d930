"""`dissectbench pack`: the records of a folder in one file, to be published beside their board."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
examples:
  dissectbench pack results/glyphs --out leaderboards/glyphs/records.tar.xz
  dissectbench board leaderboards/glyphs/records.tar.xz --out leaderboards/glyphs

The same records give the same bytes. Commands that read records take the file as it is; to change
what is in it: `dissectbench unpack`, then pack the folder again with --replace.
"""


def main(arguments: Sequence[str]) -> int:
    """Write an archive of the records below a folder."""
    options = parser("pack", "Put the records of a folder into one file.", EPILOG)
    options.add_argument("results", type=Path, help="folder of records")
    options.add_argument("--out", type=Path, required=True, help="file to make: NAME.tar.xz")
    options.add_argument("--replace", action="store_true", help="replace a file that is there")
    given = options.parse_args(arguments)

    from bench.run.archive import pack_records

    if given.out.is_dir() or (given.out.exists() and not given.replace):
        raise UserError(
            "is a folder" if given.out.is_dir() else "this file is there already",
            where=str(given.out),
            hint="give another name, or --replace for a file that is to be written anew",
        )
    packed = pack_records(given.results, given.out)
    for path in packed.left_out:
        sys.stdout.write(f"left out, for it belongs to no record: {path}\n")
    size = given.out.stat().st_size
    sys.stdout.write(
        f"wrote {given.out}: {packed.records:,} records, {packed.files:,} files, {size:,} bytes\n"
    )
    return 0
