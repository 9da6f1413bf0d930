"""`dissectbench unpack`: make a folder of records from an archive of `dissectbench pack`."""

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

`run` then finds the finished cells, and `score` can add scores. `board` reads archives directly.
"""


def main(arguments: Sequence[str]) -> int:
    """Unpack an archive into a new folder."""
    options = parser("unpack", "Make a folder of records from an archive.", EPILOG)
    options.add_argument("archive", type=Path, help="file made by `dissectbench pack`")
    options.add_argument("--out", type=Path, required=True, help="folder to make")
    given = options.parse_args(arguments)

    from bench.files import atomic_folder, writing
    from bench.run.archive import unpack_records

    out = given.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError("this path exists", where=str(out), hint="give a new or empty folder")
    with writing(out, "--out"), atomic_folder(out) as folder:
        unpack_records(given.archive, folder)
    records = sum(1 for _ in out.rglob("record.json"))
    sys.stdout.write(f"{records:,} records: {out}\n")
    return 0
