"""`python -m bench.speed.captioning`: compare, print the page, keep it by the hardware's name."""

from __future__ import annotations

import argparse
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
    options = argparse.ArgumentParser(prog="python -m bench.speed.captioning", description=__doc__)
    options.add_argument("--units", type=int, default=64)
    options.add_argument("--exemplars", type=int, default=15)
    options.add_argument("--features", type=int, default=1024, help="numbers of an exemplar")
    options.add_argument("--hidden", type=int, default=256, help="width of the LSTMs")
    options.add_argument("--beam", type=int, default=50)
    options.add_argument("--vocabulary", type=int, default=300)
    options.add_argument("--max-length", type=int, default=15, help="most tokens of a sentence")
    options.add_argument("--ending", type=float, default=3.0, help="more makes shorter sentences")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--device", default="cpu")
    options.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    given = parse(options, arguments)
    if not 1 <= given.beam <= given.vocabulary - 3:
        options.error("--beam lies in 1..--vocabulary less the three tokens that are never said")

    from bench.speed import captioning_compare as measuring
    from bench.speed.captioning_page import render

    sizes = measuring.Sizes(
        given.units, given.exemplars, given.features, given.hidden, given.beam, given.vocabulary,
        given.max_length, given.ending,
    )  # fmt: skip
    rows, found = measuring.compare(measuring.make_inputs(sizes, given.device), given.repeats)
    measured = {
        "sizes": sizes.__dict__,
        "repeats": given.repeats,
        "found": found,
        "rows": [row.record() for row in rows],
    }
    keep("captioning", measured, render, device=given.device, out=given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
