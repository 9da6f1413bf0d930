"""Synthetic boards for sites: hostile texts wherever a record may hold a text, and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leaderboards.board import load_board
from leaderboards.site.render import write_site
from leaderboards.storage import write_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from leaderboards.board import Board
    from leaderboards.naming import NamedCell

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
    "\" onmouseover='window.hacked=1' \u202e{{ 7*7 }} `tick` \u2028 end"
)
UNITS = 60
DEAD = 7


class MadePictures:
    """Pictures of `UNITS` units: image i is grey at level i, and a unit fires in its left half."""

    source = "made"
    size = 48
    whole = False

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.ids = (np.arange(UNITS)[:, None] + np.arange(8)).astype(np.int64)
        self.ids[DEAD] = -1

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        self.asked += ids
        levels = np.asarray(ids, np.uint8)[:, None, None, None] * 3
        return np.broadcast_to(levels, (len(ids), self.size, self.size, 3))

    def masks(self, unit: int) -> NDArray[np.bool_]:
        found = np.zeros((8, self.size, self.size), bool)
        found[:, :, : self.size // 2] = unit != DEAD
        return found


def find_pictures(named: NamedCell) -> MadePictures | str:
    """Return pictures on the probe set glyphs_val."""
    return MadePictures() if named.cell.record.probe["name"] == "glyphs_val" else f"none {HOSTILE}"


def make_units(build: Any, value: float) -> pd.DataFrame:
    """Units with a dead one, a hostile true name, and close labels."""
    table = build.make_units(value, UNITS)
    table.loc[5, ["truth", "label"]] = HOSTILE
    table.loc[DEAD, ["label", "dead", "score"]] = ["", "True", np.nan]
    table.loc[UNITS - 1, "lexical_match"] = 0.5
    return table


def make_labels(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """Three labels of each live unit; the first is that of the table of units."""
    live = table[table["label"] != ""]
    ranks = [
        live.assign(rank=rank, label=live["label"] if rank == 1 else f"{method} {rank}")
        for rank in (1, 2, 3)
    ]
    return pd.concat(ranks)[["unit", "rank", "label", "score"]]


def make_results(build: Any, root: Path) -> Board:
    """Return a board of two probe sets and two concept sets, with a failed record."""
    for probe in ("glyphs_val", HOSTILE):
        for concepts, n in (("own", 56), (HOSTILE, 900)):
            for method, level in (*build.METHODS.items(), (HOSTILE, 0.4)):
                record = build.make_record(
                    method, probe=probe, probe_print=probe, concepts=concepts, n_concepts=n,
                    notes=(HOSTILE,), environment={"cpu": HOSTILE},
                    run={"overrides": [f"method={HOSTILE}"]},
                )  # fmt: skip
                units = make_units(build, level)
                write_record(
                    root,
                    record,
                    descriptions=make_labels(units, method),
                    scores=[(build.make_scores(level, n), units)],
                    timing=build.make_timing(match=level, hardware=HOSTILE),
                )
    error = {"type": "Error", "message": HOSTILE, "traceback": f"one\n{HOSTILE}\n"}
    write_record(
        root, build.make_record("failed", probe_print="glyphs_val", status="failed", error=error)
    )
    return load_board([root], f"dissectbench site {HOSTILE}")


def make_site(board: Board, folder: Path) -> int:
    """Write the site of a board."""
    folder.mkdir(parents=True)
    return write_site(board, folder, find_pictures)
