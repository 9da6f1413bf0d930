"""Faithfulness of a record's labels on held-out images, in files of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from leaderboards.files import (
    csv_bytes,
    gzip_bytes,
    json_bytes,
    read_csv_gz,
    replace_file,
    sha256_unpacked,
)
from leaderboards.hashing import short_hash
from leaderboards.record import RecordError, read_json_object, slug
from leaderboards.record_tables import DESCRIPTIONS
from leaderboards.scores import parse_each

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from metrics.scores import Score

FOLDER = "faithfulness"
SCHEMA = 1


@dataclass(frozen=True)
class FaithfulnessSet:
    """The content of `faithfulness/<fkey>.json`: scores under one setting.

    Attributes:
        setting: What the labels were compared with. `probe`: the held-out images (name, params,
            fingerprint, n). `presence`: how it is known what they show: `kind` "annotations" (masks
            or classes), "encoder" (its name, params, fingerprint and calibration) or "images" (of
            concepts, with their fingerprint). `alpha`: share of images on which a unit is active;
            null for images of concepts. `seed`.
        scores: Score by metric.
        circular: Whether encoders of label and presence share a text tower.
        tables: sha256 by file of the table of units and of the descriptions, both unpacked.
    """

    setting: Mapping[str, Any]
    scores: Mapping[str, Score]
    circular: bool = False
    tables: Mapping[str, str] = field(default_factory=dict)

    @property
    def fkey(self) -> str:
        """Hash of the setting without names and paths: equal for all records under it."""
        parts = {
            name: {key: own[key] for key in own if key not in ("name", "params")}
            if name in ("probe", "presence")
            else own
            for name, own in self.setting.items()
        }
        return short_hash(parts)


def write_faithfulness(folder: Path, scores: FaithfulnessSet, units: pd.DataFrame) -> Path:
    """Write scores beside a record's labels; add to those of other metrics under this setting.

    The table is written first, so that scores always have one.

    Args:
        folder: The record's folder.
        scores: The scores; their `tables` are computed here.
        units: Table unit, label, and one column per metric, empty for units that are left out.

    Returns:
        The path of the scores.

    Raises:
        RecordError: A score has no JSON form, or a file of the same name is of a later version.
    """
    file = folder / FOLDER / f"{scores.fkey}.json"
    found = {name: own.to_json() for name, own in scores.scores.items()}
    described = sha256_unpacked(folder / DESCRIPTIONS)
    if file.exists():
        try:
            old = read_faithfulness(file)
            if old.tables.get(DESCRIPTIONS) == described:
                table = read_unit_values(folder, scores.fkey)
                units = units.merge(table[["unit", *table.columns.difference(units.columns)]])
                found = {name: own.to_json() for name, own in old.scores.items()} | found
        except RecordError as error:
            if error.fault != "damaged":
                raise
    path = units_path(folder, scores.fkey)
    content = {
        "schema": SCHEMA, "fkey": scores.fkey, "setting": scores.setting,
        "circular": scores.circular, "scores": found,
    }  # fmt: skip
    json_bytes(content)  # refuse before anything is written
    path.parent.mkdir(exist_ok=True)
    replace_file(path, gzip_bytes(csv_bytes(units)))
    tables = {path.name: sha256_unpacked(path), DESCRIPTIONS: described}
    replace_file(file, json_bytes({**content, "tables": tables}))
    return file


def read_faithfulness(path: Path) -> FaithfulnessSet:
    """Read one file of scores.

    Raises:
        RecordError: As for `read_json_object`; or it holds other content.
    """
    data = read_json_object(path, SCHEMA)
    setting, tables = data.get("setting"), data.get("tables", {})
    if not isinstance(setting, dict) or not isinstance(tables, dict):
        raise RecordError(f"{path}: 'setting' or 'tables' is missing")
    _check_setting(setting, path)
    scores = parse_each(data.get("scores"), f"{path}: scores")
    if not all(type(score.detail.get("unknown")) is int for score in scores.values()):
        raise RecordError(f"{path}: a score has no number of units with unknown labels")
    found = FaithfulnessSet(setting, scores, bool(data.get("circular")), tables)
    if not found.fkey == data.get("fkey") == path.stem:
        raise RecordError(f"{path}: holds scores under another key, {data.get('fkey')!r}")
    return found


def _check_setting(setting: Mapping[str, Any], path: Path) -> None:
    """Check the parts of a setting that pages show."""
    probe, presence, alpha = (setting.get(name) for name in ("probe", "presence", "alpha"))
    numbers = (int, float)
    valid = (
        isinstance(probe, dict)
        and type(probe.get("n")) is int
        and isinstance(probe.get("params") or {}, dict)
        and isinstance(presence, dict)
        and presence.get("kind") in ("annotations", "encoder", "images")
        and (alpha is None or isinstance(alpha, numbers))
        and type(setting.get("seed")) is int
    )
    if isinstance(presence, dict) and presence.get("kind") == "encoder":
        found = presence.get("calibration")
        valid &= isinstance(found, dict) and all(
            isinstance(found.get(name), numbers) for name in ("scale", "bias")
        )
    if not valid:
        raise RecordError(f"{path}: 'setting' is not one of faithfulness")


def read_faithfulness_with_units(path: Path) -> tuple[FaithfulnessSet, pd.DataFrame]:
    """Read one file of scores and its table of units.

    Raises:
        RecordError: One of them is missing, damaged or of a later version.
    """
    found = read_faithfulness(path)
    units = read_unit_values(path.parents[1], found.fkey)
    for name in found.scores:
        if name not in units or not pd.api.types.is_numeric_dtype(units[name]):
            raise RecordError(f"{path.parent}/{found.fkey}.units.csv.gz: no numbers of {name}")
    if not units["unit"].is_unique:
        raise RecordError(f"{path.parent}/{found.fkey}.units.csv.gz: a unit has several rows")
    return found, units


def faithfulness_files(folder: Path) -> list[Path]:
    """Return the files of scores in a record's folder, sorted."""
    return sorted((folder / FOLDER).glob("[!.]*.json"))


def read_unit_values(folder: Path, fkey: str) -> pd.DataFrame:
    """Read the table of units of one file of scores: unit, label, and one column per metric.

    Raises:
        RecordError: The file is missing or damaged.
    """
    return read_csv_gz(units_path(folder, fkey), {"unit": "int64", "label": "str"})


def units_path(folder: Path, fkey: str) -> Path:
    """Return the table of units of one file of scores."""
    return folder / FOLDER / f"{slug(fkey, 'key')}.units.csv.gz"


def describe_presence(setting: Mapping[str, Any]) -> str:
    """Return in words how it is known what images show."""
    presence = setting["presence"]
    if presence["kind"] == "annotations":
        return "masks and classes"
    if presence["kind"] == "images":
        return f"images of concepts in {presence.get('name')}"
    found = presence["calibration"]
    numbers = f"{found['scale']} (cos {found['bias']:+})"
    return f"{presence.get('name')}, sigmoid({numbers}), {found.get('source')}"


def describe_images(setting: Mapping[str, Any]) -> str:
    """Return the held-out images in words."""
    probe = setting["probe"]
    params = probe.get("params") or {}
    name = params.get("variant") or probe.get("name")
    start = f" from {params['offset']}" if params.get("offset") else ""
    return f"{probe['n']:,} images of {name}{start}"
