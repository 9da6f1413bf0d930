"""The section on detectors of a board's front page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.detectors import ALL, select_detectors
from leaderboards.pages.markdown import escape, table

if TYPE_CHECKING:
    from leaderboards.board import Board

PICTURE = "detectors.png"

_INTRODUCTION = """\
A unit is a *detector* where the overlap (IoU) of its mask with its label's exceeds the threshold;
*unique* counts different labels, in all and by category ("mixed": a formula of several). Units of
a final layer have no maps, so that their masks are whole images. Unrounded in
[detectors.csv](detectors.csv)."""


def detectors_section(board: Board) -> list[str]:
    """Return the parts of the section; none where no method counts detectors."""
    found = board.detectors
    if not len(found):
        return []
    several = found["probe"].nunique() > 1
    categories = [name for name in dict.fromkeys(found["category"]) if name != ALL]
    keys = ["target", "layer", "map_size", "probe", "method", "given", "threshold", "units"]
    counted, unique = [], []
    for values, group in found.groupby([*keys, "detectors", "key"], sort=False, dropna=False):
        target, layer, size, probe, method, given, threshold, units, detectors, _ = values
        by_category = dict(zip(group["category"], group["unique_detectors"], strict=True))
        where = f"{target}, {layer} ({size})" + (f", {probe}" if several else "")
        names = [escape(where), escape(str(method))]
        counted.append(
            [
                *names,
                escape(str(given)),
                "—" if threshold is None or threshold != threshold else f"{threshold:g}",
                f"{units:,}",
                f"{detectors:,}",
            ]
        )
        counts = [by_category.get(name) for name in (ALL, *categories)]
        unique.append([*names, *("—" if count is None else f"{count:,}" for count in counts)])
    header = ["target, layer (map)", "method"]
    return [
        "## Detectors",
        _INTRODUCTION,
        *([f"![Unique detectors by category]({PICTURE})"] if len(select_detectors(found)) else []),
        table([*header, "given", "IoU >", "units", "detectors"], counted),
        "Unique detectors, in all and by category:",
        table([*header, ALL, *map(escape, categories)], unique, keys=2),
    ]
