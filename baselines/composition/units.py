"""The search for all units of a layer, in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.composition.beam import Scored, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.composition.cells import Cells
    from baselines.composition.firing import Firing


def search_units(
    cells: Cells,
    firing: Sequence[Firing],
    *,
    beam: int = 5,
    max_length: int = 3,
    penalty: float = 1.0,
    official_beam: bool = False,
    threads: int | None = None,
) -> list[list[Scored]]:
    """Search the formulas of every unit (see `search`).

    Args:
        cells: The masks of the dataset.
        firing: Where each unit fires [U].
        beam: As in `search`.
        max_length: As in `search`.
        penalty: As in `search`.
        official_beam: As in `search`.
        threads: Each has whole units to itself; None for as many as torch uses.

    Returns:
        The beam of each unit, best first.
    """
    from baselines.dissection.kernels.running import workers

    beams: list[list[Scored]] = [[] for _ in firing]

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

    cells.prepare()  # once, and not in every thread
    with workers(threads) as team:
        team.over(len(firing), run)
    return beams
