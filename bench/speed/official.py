"""Compare the similarity functions with the authors' own, and with the plain loops.

`python -m bench.speed.official --file similarity.py` runs the user's copy of CLIP-Dissect's
`similarity.py` as it is; this package contains none.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import similarity
from baselines.clip_dissect import SIMILARITIES, ClipDissect
from bench.errors import UserError
from bench.files import printable, sha256_file
from bench.speed import page
from bench.speed.benchmarks import run
from bench.speed.harness import alternate
from bench.speed.plain import similarity as plain
from bench.speed.similarity import Shape, make_inputs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

HINT = "pass `similarity.py` of a checkout of CLIP-Dissect as --file"
SIDES = ("official", "ours", "plain")

PAGE = """\
# CLIP-Dissect's own functions on {where}

{shape[images]:,} images x {shape[concepts]:,} concepts, from the matrix. The authors' functions are
those of `{file[name]}` (sha256 {file[sha256]:.16}), unchanged. They, ours and the plain loops of
the other benchmark ran in turns in one process; medians of {repeats} run(s). CPU seconds are those
of all threads; other load on the machine changes them less than wall seconds. Ratios are of seconds
per unit: above 1, the authors' function is slower. Differences are the largest between a score of
theirs and ours. Made on {made} by `python -m bench.speed.official --file similarity.py`.

{rows_table}
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m bench.speed.official`."""
    parser.add_argument("--file", type=Path, required=True, help="a copy of their similarity.py")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--units", type=int, default=400)
    parser.add_argument("--concepts", type=int, default=10_000)
    parser.add_argument("--loop-units", type=int, default=20, help="units for rank_reorder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--functions", nargs="+", choices=SIMILARITIES, default=SIMILARITIES)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every function of the authors' file, given the matrix of images x concepts."""
    official = load(options.file, options.functions)
    shape = Shape(options.images, options.units, options.concepts, width=512)
    inputs = make_inputs(shape, options.device)
    matrix = inputs.product()
    rows = []
    for name, function in official.items():
        theirs = partial(function, device=options.device)
        row = compare(name, theirs, matrix, inputs.activations, options.loop_units, options.repeats)
        sys.stderr.write(f"{name}: {row['official_s']:.2f} s, {row['ours_s']:.2f} s\n")
        rows.append(row)
    return {
        "file": {"name": options.file.name, "sha256": sha256_file(options.file)},
        "shape": shape._asdict(),
        "repeats": options.repeats,
        "rows": rows,
    }


def load(file: Path, names: Sequence[str]) -> dict[str, Callable[..., Tensor]]:
    """Execute a copy of CLIP-Dissect's `similarity.py` and return its functions by name.

    Raises:
        UserError: There is no such file, it fails, or one of the functions is missing.
    """
    where = printable(file)
    if not file.is_file():
        raise UserError("no such file", where=where, hint=HINT)
    spec = importlib.util.spec_from_file_location("official_similarity", file)
    if spec is None or spec.loader is None:
        raise UserError("not a Python file", where=where, hint=HINT)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        install = f"pip install {error.name}"
        raise UserError(f"it imports {error.name}", where=where, hint=install) from error
    except Exception as error:
        raise UserError(f"it raises an error: {error}", where=where, hint=HINT) from error
    missing = [name for name in names if not callable(getattr(module, name, None))]
    if missing:
        raise UserError(f"missing functions: {', '.join(missing)}", where=where, hint=HINT)
    return {name: getattr(module, name) for name in names}


def compare(
    name: str,
    official: Callable[..., Tensor],
    matrix: Tensor,
    activations: Tensor,
    loop_units: int,
    repeats: int,
) -> dict[str, Any]:
    """Compare one function of the authors with ours and with the plain loop.

    Args:
        name: Name of the function.
        official: The authors' function.
        matrix: Scores [N, C].
        activations: Activations [N, U].
        loop_units: Number of units for the loops of rank_reorder; ours gets ten times as many.
        repeats: Number of runs of each side.

    Raises:
        UserError: The authors' function does not return scores of units and concepts.
    """
    device = str(matrix.device)
    ClipDissect(similarity=name).warm_up(device)
    few = many = activations
    if name == "rank_reorder":
        few, many = activations[:, :loop_units], activations[:, : 10 * loop_units]
    calls = {
        "official": partial(official, matrix, few),
        "ours": partial(getattr(similarity, name), matrix, many),
        "plain": partial(getattr(plain, name), matrix, few),
    }
    with _no_output():
        runs = alternate(calls, device, repeats)
    theirs = runs["official"].result
    if getattr(theirs, "shape", None) != runs["plain"].result.shape:
        raise UserError(f"its {name} does not return scores of units and concepts", hint=HINT)
    row: dict[str, Any] = {"function": name, "difference": None}
    for side, each in runs.items():
        row |= each.costs(side)
        row[f"{side}_units"] = (many if side == "ours" else few).shape[1]
    if name != "rank_reorder":  # the authors' function draws at random
        row["difference"] = float((theirs - runs["ours"].result).abs().max())
    return row


@contextmanager
def _no_output() -> Iterator[None]:
    """Suppress the progress bars and shapes that the authors' functions print."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield


def render(record: Mapping[str, Any]) -> str:
    """Return the page of a record."""
    columns = ("{}official{}", "ours", "plain loop", "official / ours", "official / plain loop")
    header = [
        "function",
        *(name.format("", ", seconds / units") for name in columns),
        *(name.format("CPU seconds, ", "") for name in columns),
        "max difference",
    ]
    rows = []
    for row in record["rows"]:
        cells = [row["function"]]
        for kind in ("s", "cpu_s"):
            cells += [f"{row[f'{side}_{kind}']:.2f} s / {row[f'{side}_units']}" for side in SIDES]
            cells.append(f"**{page.ratio(row, kind, 'ours', 'official'):.2f}x**")
            cells.append(f"{page.ratio(row, kind, 'plain', 'official'):.2f}x")
        rows.append([*cells, page.number(row["difference"], ".1e")])
    return page.fill(PAGE, record, rows_table=page.table(header, rows))


if __name__ == "__main__":
    raise SystemExit(run("official"))
