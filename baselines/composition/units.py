"""Search the formulas of all units of a layer, in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.composition.beam import ScoredFormula, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.composition.cells import Cells
    from baselines.composition.firing import UnitCells


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
    from baselines.threads import workers

    beams: list[list[ScoredFormula]] = [[] for _ in firing]

    def run(first: int, stop: int) -> None:
        for unit in range(first, stop):
            beams[unit] = search(
                cells,
                firing[unit],
                beam=beam,
                max_length=max_length,
                penalty=penalty,
                official_beam=official_beam,
            )

    cells.prepare()  # once, not in every thread
    with workers(threads) as team:
        team.over(len(firing), run)
    return beams
