"""`dissectbench pack`: put records into one file, to publish it beside their board."""

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

Equal records give equal bytes. Commands that read records accept the file; to change its content,
run `dissectbench unpack`, then pack the folder again with --replace.
"""


def main(arguments: Sequence[str]) -> int:
    """Write an archive of the records below a folder."""
    options = parser("pack", "Put the records of a folder into one file.", EPILOG)
    options.add_argument("results", type=Path, help="folder of records")
    options.add_argument("--out", type=Path, required=True, help="file to make: NAME.tar.xz")
    options.add_argument("--replace", action="store_true", help="replace an existing file")
    given = options.parse_args(arguments)

    from bench.files import writing
    from bench.run.archive import pack_records

    if given.out.is_dir() or (given.out.exists() and not given.replace):
        raise UserError(
            "this is a folder" if given.out.is_dir() else "this file exists",
            where=str(given.out),
            hint="give another name, or --replace to replace a file",
        )
    with writing(given.out, "--out"):
        packed = pack_records(given.results, given.out)
    for path in packed.left_out:
        sys.stdout.write(f"left out (not part of a record): {path}\n")
    size = given.out.stat().st_size
    sys.stdout.write(
        f"wrote {given.out}: {packed.records:,} records, {packed.files:,} files, {size:,} bytes\n"
    )
    return 0
