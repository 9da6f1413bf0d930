"""Search the formulas of all units of a layer, in threads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from baselines.composition.beam import search
from baselines.composition.exact import search_exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from baselines.composition.cells import Cells
    from baselines.composition.firing import UnitCells
    from baselines.composition.pool import ScoredFormula


def search_units(
    cells: Cells,
    firing: Sequence[UnitCells],
    *,
    beam: int = 5,
    max_length: int = 3,
    penalty: float = 1.0,
    official_beam: bool = False,
    threads: int | None = None,
) -> list[list[ScoredFormula]]:
    """Search the formulas of every unit (see `search`).

    Args:
        cells: Cells of the dataset.
        firing: Where each unit fires [U].
        beam: See `search`.
        max_length: See `search`.
        penalty: See `search`.
        official_beam: See `search`.
        threads: Number of threads, each with whole units; None for torch's.

    Returns:
        The beam of each unit, best first.
    """
    search_unit = partial(
        search,
        cells,
        beam=beam,
        max_length=max_length,
        penalty=penalty,
        official_beam=official_beam,
    )
    return _over_units(cells, len(firing), lambda unit: search_unit(firing[unit]), threads)


def search_units_exactly(
    cells: Cells,
    firing: Sequence[UnitCells],
    beams: Sequence[Sequence[ScoredFormula]],
    *,
    max_length: int = 3,
    penalty: float = 1.0,
    threads: int | None = None,
) -> list[list[ScoredFormula]]:
    """Search the best formula of every unit (see `search_exactly`).

    Args:
        cells: Cells of the dataset.
        firing: Where each unit fires [U].
        beams: Beam of each unit, best first [U].
        max_length: See `search`.
        penalty: See `search`.
        threads: Number of threads, each with whole units; None for torch's.

    Returns:
        The beams; where a unit's best formula is better than the beam's, it is first, and the last
        of the beam is left out.
    """

    def search_unit(unit: int) -> list[ScoredFormula]:
        beam = list(beams[unit])
        if not beam:
            return beam
        best = search_exactly(cells, firing[unit], beam[0], max_length=max_length, penalty=penalty)
        return beam if best is beam[0] else [best, *beam[:-1]]

    return _over_units(cells, len(firing), search_unit, threads)


def _over_units(
    cells: Cells,
    n_units: int,
    search_unit: Callable[[int], list[ScoredFormula]],
    threads: int | None,
) -> list[list[ScoredFormula]]:
    """Search the formulas of every unit in threads."""
    from baselines.threads import workers

    found: list[list[ScoredFormula]] = [[] for _ in range(n_units)]

    def run(first: int, stop: int) -> None:
        for unit in range(first, stop):
            found[unit] = search_unit(unit)

    cells.prepare()  # once, not in every thread
    with workers(threads) as team:
        team.over(n_units, run)
    return found
