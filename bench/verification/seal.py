"""Bring records of older releases up to date: hashes of tables, scores as float32."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import writing
from bench.rescore import find_folders
from bench.run.archive import is_archive, pack_records, record_folders, unpack_records
from bench.verification.records import verify_records
from leaderboards.files import json_bytes, sha256_unpacked, write_bytes
from leaderboards.record_tables import (
    DESCRIPTIONS,
    hash_tables,
    read_units,
    shorten_scores,
    units_path,
)
from leaderboards.scores import read_scores
from leaderboards.storage import move_into_place
from leaderboards.verify.compare import is_close
from leaderboards.verify.units import normalise_units
from metrics.aggregate import aggregate_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leaderboards.verify.findings import Findings


def verify_all(
    paths: Iterable[Path], *, embed: bool = False, rerun: bool = False
) -> Iterator[Findings]:
    """Verify all records under some folders and in archives, with a progress bar.

    Raises:
        UserError: A path holds no record, or is an archive that cannot be read.
    """
    with record_folders(paths) as roots:
        yield from verify_records(find_folders(roots), embed=embed, rerun=rerun)


def add_hashes(path: Path, *, embed: bool = False, rerun: bool = False) -> list[Findings]:
    """Bring the records that agree up to date; leave the others as they are.

    An archive is written again if all of its records agree.

    Args:
        path: A folder of records, or an archive.
        embed: Verify cosines too.
        rerun: Verify the labels too.

    Returns:
        The findings for the records as they were.

    Raises:
        UserError: There is no record, or the records cannot be written.
    """
    if not is_archive(path):
        return _add_to_folder(path, embed=embed, rerun=rerun)
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as scratch:
        root = Path(scratch)
        unpack_records(path, root)
        findings = _add_to_folder(root, embed=embed, rerun=rerun)
        if not any(found.mismatches for found in findings):
            with writing(path, "ARCHIVE"):
                pack_records(root, path)
    return findings


def _add_to_folder(root: Path, *, embed: bool, rerun: bool) -> list[Findings]:
    folders = find_folders([root])
    findings = list(verify_records(folders, embed=embed, rerun=rerun))
    for folder, found in zip(folders, findings, strict=True):
        if not found.mismatches:
            with writing(folder, "RESULTS"):
                _update(folder)
    return findings


def _update(folder: Path) -> None:
    """Replace a record by a copy with hashes and short scores, in one step."""
    record = json.loads((folder / "record.json").read_bytes())
    if record["status"] != "ok":
        return
    copy = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    try:
        shutil.copytree(folder, copy)
        shorten_scores(copy / DESCRIPTIONS)
        for path in sorted(copy.glob("scores/[!.]*.json")):
            _update_scores(copy, path)
        record["tables"] = hash_tables(copy)
        text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        write_bytes(copy / "record.json", text.encode("utf-8"))
        move_into_place(copy, folder, replace=True)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _update_scores(folder: Path, path: Path) -> None:
    """Add hashes to a scores file; compute its AUROC again, where rounding makes ties."""
    content: dict[str, Any] = json.loads(path.read_bytes())
    skey = read_scores(path).skey
    table = units_path(folder, skey)
    shorten_scores(table)
    units = normalise_units(read_units(folder, skey))
    auroc = aggregate_units(units, seed=content["scoring"]["seed"])["auroc"].to_json()
    stored = content["scores"]["auroc"]
    for name in ("value", "ci_low", "ci_high"):
        if not is_close(stored.get(name), auroc[name]):
            stored[name] = auroc[name]
    hashes = {file.name: sha256_unpacked(file) for file in (table, folder / DESCRIPTIONS)}
    write_bytes(path, json_bytes({**content, "tables": hashes}))
