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
from bench.speed import page
from bench.speed.benchmarks import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINIMUM_GAIN = 1.3
"""Gain of a whole pass from which a decoder is worth a setting."""

PAGE = """\
# Decoding on {where}

{timed:,} JPEG files, {pixels}, {kilobytes:.0f} KB each, Pillow {pillow}, torchvision {torchvision}.
Medians of {repeats} run(s), all rows of a table in turns. CPU milliseconds are of one thread; other
load on the machine changes them less than wall seconds. Made on {made} by `python -m
bench.speed.decoding`.

Decoding alone:

{decoding_table}

Decoded and prepared twice, as in a pass: 224 of 256 pixels, bilinear, for the target; 224 of 224,
bicubic, for the encoder. `Quick views` resize, crop, convert and normalise in one compiled loop
over the pixels inside the crop, with exactly the same numbers; the decoders below that row use them
too. Draft mode decodes at a half, a quarter or an eighth of the size if both sides keep 256 pixels;
its pixels differ, and only large files gain:

{pass_table}

{verdict}

The steps, each on one thread; those with a lock block Python in all other threads:

{steps_table}

{shares}

Pixels of {compared:,} files compared with Pillow's:

{pixels_table}
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m bench.speed.decoding`."""
    parser.add_argument("--images", type=int, default=1_000, help="files that are compared")
    parser.add_argument("--timed", type=int, default=200, help="files that are timed")
    parser.add_argument("--size", type=_size, default=(500, 375), help="of those, WIDTHxHEIGHT")
    parser.add_argument("--folder", type=Path, help="use the JPEG files in it instead")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)


def _size(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"invalid size {text!r}; write WIDTHxHEIGHT: 500x375")
    width, height = text.split("x")
    return int(width), int(height)


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
            "repeats": repeats,
            "pillow": version("pillow"),
            "torchvision": version("torchvision"),
            "pixels_compared": steps.compare_pixels(compared),
            "decoding": steps.time_decoders(timed, workers, repeats),
            "pass": steps.time_passes(timed, workers, repeats),
            "parts": steps.time_steps(timed, repeats),
        }


def render(record: Mapping[str, Any]) -> str:
    """Return the page of a record."""
    threads = f"{record['workers']} thread{'s' if record['workers'] > 1 else ''}"
    return page.fill(
        PAGE,
        record,
        kilobytes=record["bytes_per_image"] / 1e3,
        decoding_table=_rates(record["decoding"], threads),
        pass_table=_rates(record["pass"], threads),
        verdict=verdict(record["pass"]),
        steps_table=page.table(
            ("step", "CPU ms", "lock"),
            (
                (row["part"], f"{1e3 * row['cpu_s']:.3f}", "yes" if row["lock"] else "no")
                for row in record["parts"]
            ),
        ),
        shares=_shares(record["parts"]),
        pixels_table=page.table(
            ("decoder", "kind", "files", "equal", "refused", "other size", "largest difference"),
            (
                (
                    row["decoder"],
                    row["kind"],
                    row["files"],
                    f"{100 * row['equal'] / row['files']:.0f} %",
                    row["refused"],
                    row["other_size"],
                    row["largest"],
                )
                for row in record["pixels_compared"]
            ),
            left=2,
        ),
    )


def _rates(rows: Sequence[Mapping[str, Any]], threads: str) -> str:
    return page.table(
        ("", "images/s, 1 thread", threads, "CPU ms per image", "by CPU time"),
        (
            (
                row["name"],
                f"{row['per_s_one_thread']:,.0f}",
                f"{row['per_s']:,.0f}",
                f"{1e3 * row['cpu_s']:.2f}",
                f"**{rows[0]['cpu_s'] / row['cpu_s']:.2f}x**",
            )
            for row in rows
        ),
    )


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
        return ", ".join(
            f"{name.replace('_', ' ')} {100 * seconds / sum(costs.values()):.0f} %"
            for name, seconds in costs.items()
        )

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
