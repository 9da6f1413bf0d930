"""`python -m bench.speed.decoding`: the cost of decoding and preparing images, by decoder."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from importlib.metadata import version
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
    options = argparse.ArgumentParser(prog="python -m bench.speed.decoding", description=__doc__)
    options.add_argument("--images", type=int, default=1_000, help="files that are compared")
    options.add_argument("--timed", type=int, default=200, help="files that are timed")
    options.add_argument("--size", type=_size, default=(500, 375), help="of those, WIDTHxHEIGHT")
    options.add_argument("--folder", type=Path, help="take the JPEG files in it instead")
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    given = parse(options, arguments)
    if min(given.images, given.timed, given.workers, given.repeats) < 1:
        options.error("numbers start at 1")

    from bench.speed import decoding_measure as measuring
    from bench.speed.decoding_images import alike, found, mixed
    from bench.speed.decoding_page import render

    with tempfile.TemporaryDirectory() as folder:
        if given.folder:
            compared = found(given.folder, given.images)
            timed = compared[: given.timed]
        else:
            compared = mixed(Path(folder) / "mixed", given.images)
            timed = alike(Path(folder) / "alike", given.timed, given.size)
        if not compared:
            options.error(f"no JPEG file in {given.folder}")
        sys.stderr.write("files are ready\n")
        measured = {
            "compared": len(compared),
            "timed": len(timed),
            "bytes_per_image": sum(file.stat().st_size for file in timed) / len(timed),
            "pixels": "of a folder" if given.folder else "{} x {}".format(*given.size),
            "workers": given.workers,
            "repeats": given.repeats,
            "pillow": version("pillow"),
            "torchvision": version("torchvision"),
            "pixels_compared": measuring.compare_pixels(compared),
            "decoding": measuring.time_decoders(timed, given.workers, given.repeats),
            "pass": measuring.time_passes(timed, given.workers, given.repeats),
            "parts": measuring.time_parts(timed, given.repeats),
        }
    keep("decoding", measured, render, device="cpu", out=given.out)
    return 0


def _size(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
        raise argparse.ArgumentTypeError("write WIDTHxHEIGHT, for instance 500x375")
    width, height = text.split("x")
    return int(width), int(height)


if __name__ == "__main__":
    raise SystemExit(main())
