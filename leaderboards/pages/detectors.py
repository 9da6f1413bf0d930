"""The section on detectors of a board's front page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.detectors import ALL
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
    categories = [name for name in dict.fromkeys(found["category"]) if name != ALL]
    header = ["target, layer", "maps", "probe set", "method", "given", "IoU >", "units"]
    header += ["detectors", "unique", *map(escape, categories)]
    keys = ["target", "layer", "map_size", "probe", "method", "given", "threshold", "units"]
    rows = []
    for values, group in found.groupby([*keys, "detectors", "key"], sort=False, dropna=False):
        target, layer, size, probe, method, given, threshold, units, detectors, _ = values
        unique = dict(zip(group["category"], group["unique_detectors"], strict=True))
        counts = [unique.get(name) for name in (ALL, *categories)]
        rows.append(
            [
                escape(f"{target}, {layer}"),
                escape(str(size)),
                escape(str(probe)),
                escape(str(method)),
                escape(str(given)),
                "—" if threshold is None or threshold != threshold else f"{threshold:g}",
                f"{units:,}",
                f"{detectors:,}",
                *("—" if count is None else f"{count:,}" for count in counts),
            ]
        )
    return [
        "## Detectors",
        _INTRODUCTION,
        f"![Unique detectors by category, method and layer]({PICTURE})",
        table(header, rows),
    ]
