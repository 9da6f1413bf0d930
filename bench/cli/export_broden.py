"""`dissectbench export-broden`: write the embedded world's images and masks as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIANTS = ("val", "half", "scenes_only")
EPILOG = """\
examples:
  dissectbench export-broden --out glyphs_tree               4,000 images with masks
  dissectbench export-broden --variant half --size 500 --out small
  dissectbench run probe=broden probe.params.path=glyphs_tree encoder=glyphs
"""


def main(arguments: Sequence[str]) -> int:
    """Write a tree of images and masks into a new folder."""
    options = parser("export-broden", "Write Glyphs, with masks, in Broden's layout.", EPILOG)
    options.add_argument("--variant", choices=VARIANTS, default="val", help="which probe set")
    options.add_argument("--size", type=int, default=4000, help="number of images (4000)")
    options.add_argument("--out", type=Path, required=True, help="folder to make")
    given = options.parse_args(arguments)
    if given.size < 1:
        raise UserError(
            f"invalid number of images {given.size}", where="--size", hint="give 1 or more"
        )
    out = given.out.expanduser()

    from bench.glyphs.broden import write_glyphs

    write_glyphs(out, given.variant, given.size)
    sys.stdout.write(f"{given.size} images with masks: {out}\n")
    return 0
