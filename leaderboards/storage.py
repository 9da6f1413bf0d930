"""Record folders: write them atomically, add scores later, find them again."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import dataclass
from dataclasses import replace as with_fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from leaderboards.files import (
    csv_bytes,
    file_stamp,
    gzip_bytes,
    is_whole_gzip,
    json_bytes,
    replace_file,
    sha256_unpacked,
    write_bytes,
)
from leaderboards.record import (
    Fault,
    IncompleteError,
    Record,
    RecordError,
    read_json_object,
    slug,
)
from leaderboards.record_tables import (
    DESCRIPTIONS,
    description_bytes,
    hash_tables,
    unit_bytes,
    units_path,
)
from leaderboards.scores import SCORES_SCHEMA, parse_scores
from leaderboards.timings import TIMINGS, append_timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class Problem:
    """Something on disk that a board leaves out, or had to choose from.

    Attributes:
        where: The folder or file, relative to the results root that was searched.
        kind: "damaged", "newer" (of a later version), "unreadable" or "unscored", which are left
            out; or "duplicate" (one copy kept).
        message: What is wrong.
    """

    where: str
    kind: Fault | Literal["unscored", "duplicate"]
    message: str


@dataclass(frozen=True)
class SearchResult:
    """Records under some folders, sorted by board, method and key, and problems with others."""

    records: tuple[tuple[Path, Record], ...]
    problems: tuple[Problem, ...] = ()


def record_folder(root: Path, record: Record) -> Path:
    """Return the folder of a record under a results root.

    Raises:
        RecordError: The board, method or key cannot be a part of a path.
    """
    board = slug(record.board, "board")
    method = slug(record.method.get("name"), "method")
    return root / board / method / slug(record.key, "key")


def write_record(
    root: Path,
    record: Record,
    *,
    descriptions: pd.DataFrame | None = None,
    scores: Sequence[tuple[Mapping[str, Any], pd.DataFrame]] = (),
    timing: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    replace: bool = False,
) -> Path:
    """Write a record folder into a hidden sibling, then rename it into place.

    An existing finished record is kept, with the new timing beside its own, since an equal key
    means equal labels (two processes may run the same cell). A failed or incomplete one is
    replaced, except by a failed one; its scores and timings are kept.

    Args:
        root: The results root.
        record: What goes to record.json.
        descriptions: Table unit, rank, label, score.
        scores: Pairs of a scores file's content and its unit table.
        timing: One timed run, the first line of timings.jsonl.
        texts: Further files by name, such as run.log and config.yaml.
        tables: Further tables by stem, such as "tally" for tally.csv.gz.
        replace: Replace a finished record too, with its scores and timings.

    Returns:
        The record's folder.

    Raises:
        RecordError: A name cannot be a part of a path, a table or scores file breaks its schema, or
            the existing record is of a later version or unreadable.
    """
    folder = record_folder(root, record)
    if not replace and _is_kept(folder, record):
        if timing is not None:
            append_timing(folder, timing)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, so that readers ignore the folder of an interrupted process.
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        for name, text in (texts or {}).items():
            write_bytes(temporary / slug(name, "file"), text.encode("utf-8"))
        for name, table in (tables or {}).items():
            write_bytes(temporary / slug(f"{name}.csv.gz", "file"), gzip_bytes(csv_bytes(table)))
        if descriptions is not None:
            data = description_bytes(descriptions)
            write_bytes(temporary / DESCRIPTIONS, data)
        record = with_fields(record, tables=hash_tables(temporary))
        for content, units in scores:
            add_scores(temporary, content, units)
        if timing is not None:
            append_timing(temporary, timing)
        write_bytes(temporary / "record.json", record.to_json().encode("utf-8"))
        if not replace:
            _copy_results(folder, temporary)
        move_into_place(temporary, folder, replace=replace)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a record with status "ok" and its descriptions.

    Raises:
        RecordError: The record is of a later version, unreadable, or not a record.
    """
    try:
        return Record.read(folder).status == "ok" and has_descriptions(folder)
    except IncompleteError:
        return False


def has_descriptions(folder: Path) -> bool:
    """Return whether the table of descriptions is complete, without parsing it.

    Raises:
        UnreadableError: The system refuses to read it.
    """
    return is_whole_gzip(folder / DESCRIPTIONS)


def has_scores(folder: Path, skey: str) -> bool:
    """Return whether scores of one key and their table of units are complete.

    Raises:
        RecordError: The file is of a later version, unreadable, or not a scores file.
    """
    file = folder / "scores" / f"{skey}.json"
    try:
        found = _read_scores_key(file, file_stamp(file))
    except IncompleteError:
        return False
    return found == skey and is_whole_gzip(units_path(folder, skey))


@lru_cache(maxsize=10_000)
def _read_scores_key(file: Path, _stamp: tuple[int, ...]) -> object:
    return read_json_object(file, SCORES_SCHEMA).get("skey")


def _is_kept(folder: Path, record: Record) -> bool:
    if is_finished(folder):
        return True
    try:
        return record.status == "failed" and Record.read(folder).status == "ok"
    except IncompleteError:
        return False


def _copy_results(folder: Path, temporary: Path) -> None:
    """Copy scores and timings of the record that a new one replaces; its labels are the same."""
    for file in (folder / "scores").glob("[!.]*"):
        copy = temporary / "scores" / file.name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)
    old, new = folder / TIMINGS, temporary / TIMINGS
    if old.is_file():
        added = new.read_bytes() if new.is_file() else b""
        lines = [*old.read_bytes().splitlines(), *added.splitlines()]
        write_bytes(new, b"".join(line + b"\n" for line in lines))


def move_into_place(temporary: Path, folder: Path, *, replace: bool) -> None:
    """Rename a temporary folder; keep a finished record of another process unless `replace`."""
    try:
        temporary.rename(folder)
    except OSError:
        # The folder exists: another process wrote it, or it has to be replaced.
        if not folder.is_dir() or (not replace and is_finished(folder)):
            if folder.is_dir():
                return
            raise
        old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.old")
        folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def add_scores(folder: Path, content: Mapping[str, Any], units: pd.DataFrame) -> Path:
    """Add (or replace) one scores file and its table of units in a record folder.

    The table of units is written first, so that a scores file always has one. The scores file gets
    the hashes of this table and of the descriptions that were scored.

    Args:
        folder: The record's folder.
        content: The JSON value of the scores file.
        units: Table unit, truth, label, score, truth_rank, truth_score, and a column per metric.

    Returns:
        The path of the scores file.

    Raises:
        RecordError: The content or the table breaks its schema.
    """
    skey = slug(parse_scores(json.loads(json_bytes(content)), "scores").skey, "scores key")
    path = units_path(folder, skey)
    path.parent.mkdir(exist_ok=True)
    replace_file(path, unit_bytes(units, path.name))
    hashed = {path.name: sha256_unpacked(path)}
    if (folder / DESCRIPTIONS).is_file():
        hashed[DESCRIPTIONS] = sha256_unpacked(folder / DESCRIPTIONS)
    replace_file(path.with_name(f"{skey}.json"), json_bytes({**content, "tables": hashed}))
    return path.with_name(f"{skey}.json")


def delete_scores(folder: Path, skey: str) -> None:
    """Delete one scores file and its table of units, where they exist."""
    (folder / "scores" / f"{slug(skey, 'scores key')}.json").unlink(missing_ok=True)
    units_path(folder, skey).unlink(missing_ok=True)


def find_records(*roots: Path) -> SearchResult:
    """Find every record under some folders; report those that cannot be used and skip them.

    Of several copies of one key on one board keep the first finished one, in the order of the roots
    and then of the paths. Ignore hidden folders, which hold unfinished writes.

    Raises:
        RecordError: A root is not a folder.
    """
    kept: dict[tuple[str, str], tuple[Path, Record]] = {}
    problems: list[Problem] = []
    for root in roots:
        if not root.is_dir():
            raise RecordError(f"{root}: no such folder")
        for path in sorted(root.rglob("record.json")):
            where = path.parent.relative_to(root)
            if any(part.startswith(".") for part in where.parts):
                continue
            try:
                record = Record.read(path.parent)
                record_folder(root, record)
            except RecordError as error:
                message = str(error).replace(f"{path.parent}{os.sep}", "")
                problems.append(Problem(where.as_posix(), error.fault, message))
                continue
            first = kept.setdefault((record.board, record.key), (path.parent, record))
            if first[0] == path.parent:
                continue
            if first[1].status != "ok" and record.status == "ok":
                kept[record.board, record.key] = (path.parent, record)
            message = f"another copy of {record.board}/{record.key}; one finished copy is used"
            problems.append(Problem(where.as_posix(), "duplicate", message))
    found = sorted(
        kept.values(), key=lambda pair: (pair[1].board, pair[1].method["name"], pair[1].key)
    )
    return SearchResult(tuple(found), tuple(problems))
