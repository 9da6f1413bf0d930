"""Compiled loops where their code cannot be stored."""

from __future__ import annotations

from pathlib import Path

import numba
import pytest

from baselines.threads import compiled

BASELINES = Path(__file__).resolve().parents[2] / "baselines"


@pytest.mark.parametrize("parallel", [False, True])
def test_compiles_without_a_folder_for_the_cache(
    parallel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    njit, asked = numba.njit, []

    def refuse(*args: object, cache: bool = False, **options: object) -> object:
        asked.append((cache, options["parallel"]))
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", refuse)

    def sum_below(stop):  # type: ignore[no-untyped-def]
        total = 0
        for number in numba.prange(stop):
            total += number
        return total

    loop = compiled(sum_below, parallel=parallel)
    monkeypatch.undo()  # Numba decorates functions of its own when it compiles
    assert loop(5) == 10
    assert asked == [(True, parallel), (False, parallel)]


def test_every_loop_is_compiled_so() -> None:
    """Numba's own decorator raises at the import of a module, where no folder can be written."""
    own = {path.name for path in BASELINES.rglob("*.py") if "njit" in path.read_text("utf-8")}
    assert own == {"threads.py"}
