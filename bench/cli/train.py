"""`dissectbench train`: rebuild the networks of the embedded world from their seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("objects", "scenes", "encoder", "segmenter", "resnet50_objects")
EPILOG = """\
examples:
  dissectbench train glyphs --out rebuilt                  everything, some hours on 2 cores
  dissectbench train glyphs --parts encoder --out rebuilt  one network
"""


def main(arguments: Sequence[str]) -> int:
    """Train the asked parts into a folder; finished parts in it are kept."""
    options = parser("train", "Rebuild the networks of the embedded world.", EPILOG)
    options.add_argument("what", choices=["glyphs"])
    options.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options.add_argument("--out", type=Path, default=Path("glyphs_weights"))
    given = options.parse_args(arguments)

    from bench.glyphs.train.run import train_glyphs

    train_glyphs(given.parts, given.out)
    return 0
