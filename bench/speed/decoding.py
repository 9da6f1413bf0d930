"""Compare decoders of JPEG images, and the steps that prepare images for the networks."""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.speed import decoding_steps as steps
from bench.speed.benchmarks import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

MINIMUM_GAIN = 1.3
"""Gain of a whole pass from which a decoder is worth a setting."""


def _size(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"invalid size {text!r}; write WIDTHxHEIGHT: 500x375")
    width, height = text.split("x")
    return int(width), int(height)


OPTIONS = {
    "images": {"default": 1_000, "help": "files that are compared"},
    "timed": {"default": 200, "help": "files that are timed"},
    "size": {"default": (500, 375), "type": _size, "help": "of those, WIDTHxHEIGHT"},
    "folder": {"type": Path, "help": "use the JPEG files in it instead"},
    "workers": os.cpu_count() or 1,
}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Compare the decoders' pixels, then time the decoders, a pass, and its steps."""
    workers, repeats = max(1, options.workers), options.repeats
    with tempfile.TemporaryDirectory() as name:
        if options.folder:
            compared = steps.find_files(options.folder, options.images)
            timed = compared[: options.timed]
            if not compared:
                raise UserError("no JPEG files", where=f"--folder {options.folder}")
        else:
            compared = steps.write_mixed(Path(name) / "mixed", options.images)
            timed = steps.write_alike(Path(name) / "alike", options.timed, options.size)
        return {
            "compared": len(compared),
            "timed": len(timed),
            "bytes_per_image": sum(file.stat().st_size for file in timed) / len(timed),
            "pixels": "of a folder" if options.folder else "{} x {}".format(*options.size),
            "workers": workers,
            "pillow": version("pillow"),
            "torchvision": version("torchvision"),
            "pixels_compared": steps.compare_pixels(compared),
            "decoding": steps.time_files(steps.DECODERS, timed, workers, repeats),
            "pass": steps.time_files(steps.passes(), timed, workers, repeats),
            "parts": steps.time_steps(timed, repeats),
        }


def values(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows besides the record: gains, sums of steps, and a sentence."""
    cost: dict[str, float] = {row["part"]: row["cpu_s"] for row in record["parts"]}

    def total(*ends: str) -> float:
        return sum(seconds for name, seconds in cost.items() if name.endswith(ends))

    decoding, resizing = total("upright"), total(": resize", ": crop")
    converting, quick = total("normalise"), total("(a pass)")
    return {
        "threads": f"{record['workers']} thread{'s' if record['workers'] > 1 else ''}",
        "decoding": [{**row, "first": record["decoding"][0]} for row in record["decoding"]],
        "pass": [{**row, "first": record["pass"][0]} for row in record["pass"]],
        "verdict": verdict(record["pass"]),
        "cost": {"decoding": decoding, "resizing": resizing, "converting": converting},
        "plain": decoding + resizing + converting,
        "quick": quick,
        "quick_pass": decoding + quick,
        "locked": cost["open and read the header"] + 2 * cost["copy out of Pillow"],
    }


def verdict(rows: Rows) -> str:
    """Say which decoders are worth a setting; the second row is the pass in use."""
    current, *others = rows[1:]
    gains = {row["name"]: current["cpu_s"] / row["cpu_s"] for row in others}
    gain_list = ", ".join(f"{gain:.2f} with {name}" for name, gain in gains.items())
    worth = ", ".join(name for name, gain in gains.items() if gain >= MINIMUM_GAIN)
    end = f"{worth} would be worth one" if worth else "none is offered"
    return (
        f"Gain over a pass with Pillow: {gain_list}. A decoder is worth a setting from "
        f"{MINIMUM_GAIN}: {end}."
    )


if __name__ == "__main__":
    raise SystemExit(run("decoding"))
