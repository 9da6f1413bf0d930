"""`dissectbench unpack`: a folder of records again, of an archive that `pack` made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
example:
  dissectbench unpack leaderboards/glyphs/records.tar.xz --out results/glyphs

`run` finds finished cells there, and `score` writes its scores there. `board` needs no unpacking.
"""


def main(arguments: Sequence[str]) -> int:
    """Unpack an archive into a new folder."""
    options = parser("unpack", "Make a folder of records of an archive.", EPILOG)
    options.add_argument("archive", type=Path, help="file that `dissectbench pack` made")
    options.add_argument("--out", type=Path, required=True, help="folder to make")
    given = options.parse_args(arguments)

    from bench.files import atomic_folder
    from bench.run.archive import unpack_records

    out = given.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(
            "something is there already", where=str(out), hint="give a folder that is not there yet"
        )
    with atomic_folder(out) as folder:
        unpack_records(given.archive, folder)
    records = sum(1 for _ in out.rglob("record.json"))
    sys.stdout.write(f"{records:,} records: {out}\n")
    return 0
