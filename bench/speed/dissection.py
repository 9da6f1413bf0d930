"""`python -m bench.speed.dissection`: compare, print the page, keep it by the hardware's name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.speed.keep import OUT, keep, parse

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison.

    Args:
        arguments: Of the command line; None for those of this process.
    """
    options = argparse.ArgumentParser(prog="python -m bench.speed.dissection", description=__doc__)
    options.add_argument("--images", type=int, default=1_000)
    options.add_argument("--units", type=int, default=512)
    options.add_argument("--mask", type=int, default=112, help="side of the masks")
    options.add_argument("--map", type=int, default=7, help="side of the maps")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--device", default="cpu")
    options.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    given = parse(options, arguments)

    from bench.speed import dissection_compare as measuring
    from bench.speed.dissection_page import render

    sizes = measuring.Sizes(given.images, given.units, given.mask, given.map)
    inputs = measuring.make_inputs(sizes, given.device)
    rows = []
    for row in measuring.compare(inputs, given.repeats):
        rows.append(row.record())
        sys.stderr.write(f"{row.part}: {row.ours_s:.2f} s\n")
    counts = (given.images, 4 * given.images)
    measured = {
        "sizes": sizes.__dict__,
        "repeats": given.repeats,
        "active_share": measuring.active_share(inputs),
        "rows": rows,
        "memory": [row.record() for row in measuring.memory(inputs, counts)],
    }
    keep("dissection", measured, render, device=given.device, out=given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
