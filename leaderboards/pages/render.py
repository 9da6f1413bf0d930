"""Write the files of a board, or compare them with those on disk."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from leaderboards.dictionary import describe_columns, score_tables
from leaderboards.files import csv_bytes, gunzip_bytes, gzip_bytes, replace_file
from leaderboards.latex.document import DOCUMENT, TABLES, latex_files
from leaderboards.pages.costs import costs_page
from leaderboards.pages.details import details_page
from leaderboards.pages.front import front_page
from leaderboards.pages.labels import labels_page
from leaderboards.pages.provenance import recorded_command
from leaderboards.pages.split import PAGE_BYTES, PART, split_page
from leaderboards.pages.spreadsheet import escape_texts

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from leaderboards.board import Board

_SMALL = 100
"""Boards of at most so many records keep board.md whole up to twice a page's size, for links."""

PACKED = ("results", "judges")
"""Tables that are compressed: as plain text they would be the largest files by far."""


def render_scores(board: Board) -> dict[str, bytes]:
    """Return the files that are equal byte for byte for equal records, by name."""
    small = board.n_records <= _SMALL
    tables, provenance = score_tables(board), _provenance(board)
    files = {
        **_pages("README.md", front_page(board)),
        **_pages("board.md", details_page(board), whole_bytes=PAGE_BYTES * (1 + small)),
    }
    for name, table in tables.items():
        data = _csv(table, provenance)
        files |= {f"{name}.csv.gz": gzip_bytes(data)} if name in PACKED else {f"{name}.csv": data}
    files["columns.csv"] = csv_bytes(describe_columns(tables | {"costs": board.costs}))
    files |= {name: text.encode() for name, text in latex_files(board, provenance).items()}
    if board.labels:
        files |= _pages("labels.md", labels_page(board))
    return files


def render_costs(board: Board) -> dict[str, bytes]:
    """Return the files about time and memory, by name."""
    timed = f"{_provenance(board)}; timing set {board.timing_hash[:16]}"
    return {**_pages("costs.md", costs_page(board)), "costs.csv": _csv(board.costs, timed)}


def _pages(name: str, page: str, *, whole_bytes: int = PAGE_BYTES) -> dict[str, bytes]:
    pages = split_page(name, page, whole_bytes=whole_bytes)
    return {part: text.encode("utf-8") for part, text in pages.items()}


def render_pictures(board: Board) -> dict[str, bytes]:
    """Return the pictures by name; their bytes may change with the plotting library."""
    pictures: dict[str, bytes] = {}
    if len(board.detectors):
        from leaderboards.pages.detectors_plot import draw_detectors

        pictures |= draw_detectors(board.detectors)
    if len(board.sensitivity):
        from leaderboards.pages.sensitivity_plot import draw_sensitivity

        pictures |= draw_sensitivity(board.sensitivity)
    return pictures


def render_parquet(board: Board) -> dict[str, bytes]:
    """Return all tables as Parquet files by name, with their provenance in the metadata.

    Needs the package pyarrow. Texts are not escaped: no spreadsheet reads these files.
    """
    files = {}
    for name, table in (score_tables(board) | {"costs": board.costs}).items():
        typed = table.convert_dtypes()
        typed.attrs = {"provenance": _provenance(board)}
        buffer = io.BytesIO()
        typed.to_parquet(buffer, engine="pyarrow", index=False)
        files[f"{name}.parquet"] = buffer.getvalue()
    return files


def write_board(board: Board, out_dir: Path, *, parquet: bool = False) -> list[Path]:
    """Write all files of a board, each of them atomically; delete pages that it no longer needs.

    Args:
        board: The board.
        out_dir: The folder.
        parquet: Whether to write the tables as Parquet files too.

    Returns:
        The paths, the front page first.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    files = render_scores(board) | render_pictures(board) | render_costs(board)
    files |= render_parquet(board) if parquet else {}
    paths = []
    for name, data in files.items():
        (out_dir / name).parent.mkdir(exist_ok=True)
        replace_file(out_dir / name, data)
        paths.append(out_dir / name)
    for name in _further_pages(out_dir) - files.keys():
        (out_dir / name).unlink()
    return paths


def check_board(board: Board, out_dir: Path) -> list[str]:
    """Return the names of files in `out_dir` that differ from the board's or are missing.

    Pictures are not compared: they change with the plotting library. Nor is LaTeX where the folder
    has no document: published boards leave it out. The command that the files name is taken from
    the front page in `out_dir`, since a check is often started from another folder.
    """
    page = (_read(out_dir / "README.md") or b"").decode("utf-8", errors="replace")
    board = replace(board, command=recorded_command(page) or board.command)
    wanted = render_scores(board) | render_costs(board)
    if not (out_dir / DOCUMENT).exists():
        wanted = {
            name: data for name, data in wanted.items() if not name.endswith((".tex", ".bib"))
        }
    differing = [n for n, data in wanted.items() if _content(_read(out_dir / n)) != _content(data)]
    return [*differing, *sorted(_further_pages(out_dir) - wanted.keys())]


def _further_pages(out_dir: Path) -> set[str]:
    """Return the names of the pages that continue another one, and of LaTeX tables of a board."""
    pages = {path.name for path in out_dir.glob("*.md") if PART.fullmatch(path.name)}
    tables = (path for path in out_dir.glob(f"{TABLES}/*.tex") if _is_ours(path))
    return pages | {path.relative_to(out_dir).as_posix() for path in tables}


def _is_ours(path: Path) -> bool:
    """Return whether a LaTeX file begins as the tables of boards do."""
    return (_read(path) or b"").startswith(b"% record set ")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _content(data: bytes | None) -> bytes | None:
    """Unpack a file: two versions of a packer may give other bytes for the same content."""
    return data if data is None else gunzip_bytes(data)


def _provenance(board: Board) -> str:
    return f"record set {board.score_hash[:16]}; {board.command}"


def _csv(table: pd.DataFrame, provenance: str) -> bytes:
    """Return CSV with the provenance in a last column, in the first row only.

    A comment line would break readers; a hash in every row would change every line of a tracked
    file with any record. Texts are escaped against spreadsheets and terminals.
    """
    stamps = [provenance, *[""] * (len(table) - 1)]
    stamped = table.reindex(range(max(1, len(table)))).assign(provenance=stamps)
    return csv_bytes(escape_texts(stamped))
