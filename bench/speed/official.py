"""`python -m bench.speed.official --file similarity.py`: compare with the authors' own functions.

The file is the reader's copy of CLIP-Dissect's `similarity.py`, run as it is; none is shipped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.similarity_parameters import SIMILARITIES
from bench.errors import UserError
from bench.speed.keep import OUT, keep, parse

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison.

    Args:
        arguments: Of the command line; None for those of this process.
    """
    options = argparse.ArgumentParser(prog="python -m bench.speed.official", description=__doc__)
    options.add_argument("--file", type=Path, required=True, help="a copy of their similarity.py")
    options.add_argument("--images", type=int, default=20_000)
    options.add_argument("--units", type=int, default=400)
    options.add_argument("--concepts", type=int, default=10_000)
    options.add_argument("--loop-units", type=int, default=20, help="units for rank_reorder")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--device", default="cpu")
    options.add_argument("--functions", nargs="+", choices=SIMILARITIES, default=SIMILARITIES)
    options.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    given = parse(options, arguments)

    from bench.files import sha256_file
    from bench.speed.compare import Shape
    from bench.speed.official_compare import compare, load
    from bench.speed.official_page import render

    shape = Shape(given.images, given.units, given.concepts, width=512)
    rows = []
    try:
        theirs = load(given.file, given.functions)
        for row in compare(theirs, shape, given.device, given.loop_units, given.repeats):
            rows.append(row)
            told = f"{row['function']}: {row['official_s']:.2f} s, {row['ours_s']:.2f} s"
            sys.stderr.write(f"{told}\n")
    except UserError as error:
        sys.stderr.write(f"bench.speed.official: {error}\n")
        return 2
    measured = {
        "file": {"name": given.file.name, "sha256": sha256_file(given.file)},
        "shape": shape.__dict__,
        "repeats": given.repeats,
        "rows": rows,
    }
    keep("official", measured, render, device=given.device, out=given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
