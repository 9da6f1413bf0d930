"""The authors' similarity functions, ours and the plain loops, in turns in one process."""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from baselines import similarity
from baselines.clip_dissect import ClipDissect
from bench.errors import UserError
from bench.files import printable
from bench.speed.compare import LOOPS, make_inputs, multiply_out
from bench.speed.memory import release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from bench.speed.compare import Function, Shape

SIDES = ("official", "ours", "plain")


def load(file: Path, names: Sequence[str]) -> dict[str, Callable[..., Tensor]]:
    """Functions of a Python file, by name.

    Args:
        file: A copy of CLIP-Dissect's `similarity.py`; it is executed.
        names: Functions to take from it.

    Raises:
        UserError: No such file, it does not run, or it lacks one of the functions.
    """
    hint = "pass `similarity.py` of a checkout of CLIP-Dissect as --file"
    where = printable(file)
    if not file.is_file():
        raise UserError("no such file", where=where, hint=hint)
    spec = importlib.util.spec_from_file_location("official_similarity", file)
    if spec is None or spec.loader is None:
        raise UserError("not a Python file", where=where, hint=hint)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        install = f"pip install {error.name}"
        raise UserError(f"it imports {error.name}", where=where, hint=install) from error
    except Exception as error:
        raise UserError(f"it does not run: {error}", where=where, hint=hint) from error
    lacking = [name for name in names if not callable(getattr(module, name, None))]
    if lacking:
        raise UserError(f"it lacks {', '.join(lacking)}", where=where, hint=hint)
    return {name: getattr(module, name) for name in names}


def compare(
    official: Mapping[str, Callable[..., Tensor]],
    shape: Shape,
    device: str,
    loop_units: int = 20,
    repeats: int = 3,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Measure every function of the authors' file, given the matrix of images x concepts.

    Args:
        official: The authors' functions by name; each takes a `device`.
        shape: Sizes.
        device: Where all sides run.
        loop_units: Units for rank_reorder, whose loops take seconds for each; ours gets ten times
            as many.
        repeats: Runs of each side, in turns; medians count.
        seed: Of the random inputs.

    Yields:
        Ready for JSON: "function"; of each side its units, median wall seconds ("official_s") and
        median CPU seconds of all threads ("official_cpu_s"), or those of the process on a GPU; and
        the greatest "difference" of the authors' result and ours, None for rank_reorder, as the
        authors' draws at random.

    Raises:
        UserError: A function does not return scores of units and concepts.
    """
    images, concepts, activations = make_inputs(shape, device, seed)
    matrix = multiply_out(images, concepts)
    for name, function in official.items():
        ClipDissect(similarity=name).warm_up(device)
        few = many = activations
        if name == "rank_reorder":
            few, many = activations[:, :loop_units], activations[:, : 10 * loop_units]
        work: dict[str, tuple[Function, Tensor]] = {
            "official": (partial(function, device=device), few),
            "ours": (getattr(similarity, name), many),
            "plain": (LOOPS[name], few),
        }
        times: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
        results: dict[str, Tensor] = {}
        for _ in range(repeats):
            for side, (call, units) in work.items():
                results.pop(side, None)
                release()
                with _quiet():
                    wall, cpu, results[side] = _timed(partial(call, matrix, units), device)
                times[side].append((wall, cpu))
        shapes = [getattr(results[side], "shape", None) for side in ("official", "plain")]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"its {name} does not return scores of units and concepts",
                hint="pass `similarity.py` of a checkout of CLIP-Dissect as --file",
            )
        row: dict[str, Any] = {"function": name}
        for side in SIDES:
            row[f"{side}_units"] = work[side][1].shape[1]
            row[f"{side}_s"], row[f"{side}_cpu_s"] = map(
                statistics.median, zip(*times[side], strict=True)
            )
        row["difference"] = None
        if name != "rank_reorder":
            row["difference"] = float((results["official"] - results["ours"]).abs().max())
        yield row


def _timed(work: Callable[[], Tensor], device: str) -> tuple[float, float, Tensor]:
    """Wall seconds, CPU seconds of this process's threads, and the result."""
    wait = partial(torch.cuda.synchronize, device) if device.startswith("cuda") else None
    if wait:
        wait()
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    if wait:
        wait()
    return time.perf_counter() - wall, time.process_time() - cpu, result


@contextmanager
def _quiet() -> Iterator[None]:
    """Let no bar or shape that the authors' loops print into ours."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield
