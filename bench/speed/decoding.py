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
from bench.speed import decoding_images as images
from bench.speed import decoding_steps as steps
from bench.speed.benchmarks import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
            compared = images.find_files(options.folder, options.images)
            timed = compared[: options.timed]
            if not compared:
                raise UserError("no JPEG files", where=f"--folder {options.folder}")
        else:
            compared = images.write_mixed(Path(name) / "mixed", options.images)
            timed = images.write_alike(Path(name) / "alike", options.timed, options.size)
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
    """Return what the page shows besides the record: gains over the first row, and sentences."""
    gains = {
        name: [{**row, "first_s": record[name][0]["cpu_s"]} for row in record[name]]
        for name in ("decoding", "pass")
    }
    threads = f"{record['workers']} thread{'s' if record['workers'] > 1 else ''}"
    said = {"verdict": verdict(record["pass"]), "shares": _shares(record["parts"])}
    return {**gains, **said, "threads": threads}


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which decoders are worth a setting; the second row is the pass in use."""
    current, *others = rows[1:]
    gains = {row["name"]: current["cpu_s"] / row["cpu_s"] for row in others}
    gain_list = ", ".join(f"{gain:.2f} with {name}" for name, gain in gains.items())
    worth = [name for name, gain in gains.items() if gain >= MINIMUM_GAIN]
    end = f"{', '.join(worth)} would be worth one" if worth else "none is offered"
    return (
        f"Gain over a pass with Pillow: {gain_list}. A decoder is worth a setting from "
        f"{MINIMUM_GAIN}: {end}."
    )


def _shares(rows: Sequence[Mapping[str, Any]]) -> str:
    cost: dict[str, float] = {row["part"]: row["cpu_s"] for row in rows}

    def total(*ends: str) -> float:
        return sum(seconds for name, seconds in cost.items() if name.endswith(ends))

    def percentages(**costs: float) -> str:
        whole = sum(costs.values())
        shares = (f"{name} {100 * cost / whole:.0f} %" for name, cost in costs.items())
        return ", ".join(shares).replace("_", " ")

    decoding = cost["open, decode, turn upright"]
    plain = percentages(
        decoding=decoding,
        resizing_and_crop=total(": resize", ": crop"),
        conversion_and_normalisation=total("normalise"),
    )
    quick = percentages(decoding=decoding, the_rest=total("(a pass)"))
    locked = cost["open and read the header"] + 2 * cost["copy out of Pillow"]
    return (
        f"- torchvision's transforms: {plain}.\n"
        f"- Quick views: {quick}.\n"
        f"- Python's lock is held for at least {1e3 * locked:.2f} ms per image: with any number of "
        f"cores, a process prepares at most {1 / locked:,.0f} images/s."
    )


if __name__ == "__main__":
    raise SystemExit(run("decoding"))
