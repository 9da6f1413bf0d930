"""A board's files: written, or compared with what stands there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from leaderboards.costs_page import costs_page
from leaderboards.details import details_page
from leaderboards.detectors_page import PICTURE
from leaderboards.files import csv_bytes, gunzip_bytes, gzip_bytes, replace_file
from leaderboards.pages import front_page
from leaderboards.words_page import words_page

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from leaderboards.board import Board

RESULTS = "results.csv.gz"
"""Every number of a board: so many that plain text would take most of a board's room."""

_COMMAND = re.compile(r"Made by `([^`\n]+)` from record set")


def render_scores(board: Board) -> dict[str, bytes]:
    """The files that are equal byte for byte for equal records, by name."""
    files = {
        "README.md": front_page(board).encode("utf-8"),
        "board.md": details_page(board).encode("utf-8"),
        RESULTS: gzip_bytes(_csv(board.results, _provenance(board))),
        "summary.csv": _csv(board.summary, _provenance(board)),
    }
    if board.words:
        files["labels.md"] = words_page(board).encode("utf-8")
    if len(board.detectors):
        files["detectors.csv"] = _csv(board.detectors, _provenance(board))
    return files


def render_costs(board: Board) -> dict[str, bytes]:
    """The files about time and memory, by name."""
    timed = f"{_provenance(board)}; timing set {board.timing_hash[:16]}"
    return {"costs.md": costs_page(board).encode("utf-8"), "costs.csv": _csv(board.costs, timed)}


def render_pictures(board: Board) -> dict[str, bytes]:
    """The pictures, by name; their bytes may change with the version of the plotting library."""
    if not len(board.detectors):
        return {}
    from leaderboards.detectors_plot import draw_detectors

    return {PICTURE: draw_detectors(board.detectors)}


def write_board(board: Board, out_dir: Path) -> list[Path]:
    """Write all files of a board; each is put in place whole.

    Returns:
        The paths, the front page first.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    files = render_scores(board) | render_pictures(board) | render_costs(board)
    paths = []
    for name, data in files.items():
        replace_file(out_dir / name, data)
        paths.append(out_dir / name)
    return paths


def check_board(board: Board, out_dir: Path) -> list[str]:
    """Names of the score files in `out_dir` that differ from the board's, or are missing.

    Pictures and files about time are not compared: timing a cell again is no drift. The command
    that they name is taken from the front page that stands there, for it may have been given from
    elsewhere.
    """
    board = replace(board, command=_recorded_command(out_dir) or board.command)
    wanted = render_scores(board).items()
    return [name for name, data in wanted if _content(_read(out_dir / name)) != _content(data)]


def _recorded_command(out_dir: Path) -> str:
    page = (_read(out_dir / "README.md") or b"").decode("utf-8", errors="replace")
    match = _COMMAND.search(page)
    return match.group(1) if match else ""


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _content(data: bytes | None) -> bytes | None:
    """What a file says: packers of two versions may give other bytes for it."""
    return data if data is None else gunzip_bytes(data)


def _provenance(board: Board) -> str:
    return f"record set {board.score_hash[:16]}; {board.command}"


def _csv(table: pd.DataFrame, provenance: str) -> bytes:
    """CSV with the provenance in a last column of the first row alone.

    A comment line would break readers, and a hash on every row would make every row of a tracked
    file change with any record.
    """
    stamps = [provenance, *[""] * (len(table) - 1)]
    stamped = table.reindex(range(max(1, len(table)))).assign(provenance=stamps)
    return csv_bytes(stamped)
