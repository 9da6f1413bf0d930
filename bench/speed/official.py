"""Compare the similarity functions with the authors' own, and with the plain loops.

`python -m bench.speed.official --file similarity.py` runs the user's copy of CLIP-Dissect's
`similarity.py` as it is; this package contains none.
"""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.files import printable, sha256_file
from bench.speed.benchmarks import run
from bench.speed.similarity import MORE_OPTIONS, Shape, compare_one, make_inputs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from torch import Tensor

HINT = "pass `similarity.py` of a checkout of CLIP-Dissect as --file"

OPTIONS = {
    "file": {"type": Path, "required": True, "help": "a copy of their similarity.py"},
    **Shape(20_000, 400, 10_000)._asdict(),
    **MORE_OPTIONS,
}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every function of the authors' file, given the matrix of images x concepts."""
    functions = load(options.file, options.functions)
    shape = Shape(options.images, options.units, options.concepts, options.width)
    inputs = make_inputs(shape, options.device)
    matrix = inputs.product()
    rows = []
    for name, function in functions.items():
        official = partial(_score, function, options.device)
        sizes = options.loop_units, options.repeats
        row = compare_one(name, matrix, inputs, *sizes, official=official)
        sys.stderr.write(f"{name}: {row['official_s']:.2f} s, {row['ours_s']:.2f} s\n")
        rows.append({"ours_units": row.pop("units"), **row})
    return {
        "file": {"name": options.file.name, "sha256": sha256_file(options.file)},
        "shape": shape._asdict(),
        "rows": rows,
    }


def load(file: Path, names: Sequence[str]) -> dict[str, Callable[..., Tensor]]:
    """Execute a copy of CLIP-Dissect's `similarity.py` and return its functions by name."""
    where = printable(file)
    if not file.is_file():
        raise UserError("no such file", where=where, hint=HINT)
    try:
        module = runpy.run_path(str(file))
    except ModuleNotFoundError as error:
        install = f"pip install {error.name}"
        raise UserError(f"it imports {error.name}", where=where, hint=install) from error
    except Exception as error:
        raise UserError(f"it raises an error: {error}", where=where, hint=HINT) from error
    missing = [name for name in names if not callable(module.get(name))]
    if missing:
        raise UserError(f"missing functions: {', '.join(missing)}", where=where, hint=HINT)
    return {name: module[name] for name in names}


def _score(
    function: Callable[..., Tensor], device: str, matrix: Tensor, activations: Tensor
) -> Tensor:
    """Call a function of the authors without the progress bars and shapes that it prints."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        scores = function(matrix, activations, device=device)
    if getattr(scores, "shape", None) != (activations.shape[1], matrix.shape[1]):
        name = getattr(function, "__name__", "function")
        raise UserError(f"its {name} does not return scores of units and concepts", hint=HINT)
    return scores


if __name__ == "__main__":
    raise SystemExit(run("official"))
