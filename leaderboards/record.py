"""The record of one cell: what ran on what, and what came of it. Its JSON is a contract."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = 1

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

Status = Literal["ok", "failed"]
Origin = Literal["measured", "imported", "reported"]


class RecordError(ValueError):
    """A record on disk that cannot be read; says which file and why."""


def slug(name: object, what: str) -> str:
    """Return `name` where it may stand in a path, for no path is built from an unchecked name.

    Args:
        name: The name as a file or a user gave it.
        what: What it names, for the message ("board", "method").

    Raises:
        RecordError: It is no text of 1 to 80 letters, digits, `_`, `.` and `-` that starts with a
            letter or a digit.
    """
    if not isinstance(name, str) or not _SLUG.fullmatch(name):
        raise RecordError(
            f"{what} name {name!r} cannot stand in a path: use letters, digits, '_', '.' and '-', "
            "80 at most, and start with a letter or a digit"
        )
    return name


@dataclass(frozen=True)
class Record:
    """One cell's outcome, without its scores and timings (they are files of their own).

    Attributes:
        key: Short sha256 of everything that decides the labels.
        board: The board that the cell was run for.
        status: "ok", or "failed" with `error` filled in.
        origin: Where the labels come from.
        method: {name, version, params, source, given, vocabulary}.
        target: {name, params, fingerprint, layer, pooling, units, map_size}.
        probe: {name, params, fingerprint, n}.
        concepts: {name, params, sha256, n}.
        encoder: {name, params, fingerprint}; empty where the method needs none.
        segmenter: {name, params, fingerprint}; empty where the method needs none.
        captioner: {name, params, fingerprint}; empty where the method needs none.
        seed: The method's seed.
        run: What does not decide the labels: {batch_size, device, workers, overrides, choices}.
        environment: Versions, hardware, git state of this package.
        counts: {units, dead, unlabelled, undefined_scores, ...}; those of the dead with NaN or
            infinite activations count as `non_finite`, where there are any.
        notes: Sentences for a reader ("top_k clamped from 100 to 60 images").
        error: {type, message, traceback} of a failed cell.
        schema: Version of this layout.
    """

    key: str
    board: str
    status: Status
    origin: Origin
    method: Mapping[str, Any]
    target: Mapping[str, Any]
    probe: Mapping[str, Any]
    concepts: Mapping[str, Any]
    encoder: Mapping[str, Any]
    seed: int
    run: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: Mapping[str, str] | None = None
    segmenter: Mapping[str, Any] = field(default_factory=dict)
    captioner: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def is_imported(self) -> bool:
        """Whether the labels were made elsewhere."""
        return self.origin != "measured"

    @property
    def has_free_text(self) -> bool:
        """Whether the labels are sentences of the method's own."""
        return bool(self.method.get("vocabulary") == "free text")

    def to_json(self) -> str:
        """Serialise with sorted keys, so that equal records are equal bytes."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read `folder`/record.json.

        Raises:
            RecordError: The file is missing, is no JSON object, has unknown or missing fields, or
                a schema that this version does not know.
        """
        path = folder / "record.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RecordError(f"{path}: no such file") from error
        except (ValueError, OSError) as error:
            raise RecordError(f"{path}: not readable as JSON ({error})") from error
        if not isinstance(data, dict):
            raise RecordError(f"{path}: holds no JSON object")
        if data.get("schema") != SCHEMA:
            raise RecordError(f"{path}: schema {data.get('schema')!r}; this version reads {SCHEMA}")
        try:
            data["notes"] = tuple(data.get("notes", ()))
            record = cls(**data)
        except TypeError as error:
            raise RecordError(f"{path}: {error}") from error
        _check(record, path)
        return record


def _check(record: Record, path: Path) -> None:
    """Refuse fields of another type than the schema's: JSON may hold anything."""
    for name in ("key", "board"):
        if not isinstance(getattr(record, name), str):
            raise RecordError(f"{path}: field {name!r} is no text")
    for name, allowed in (("status", get_args(Status)), ("origin", get_args(Origin))):
        if getattr(record, name) not in allowed:
            raise RecordError(f"{path}: field {name!r} is none of {', '.join(allowed)}")
    mappings = ("method", "target", "probe", "concepts", "encoder", "run", "environment", "counts")
    for name in mappings:
        if not isinstance(getattr(record, name), dict):
            raise RecordError(f"{path}: field {name!r} is no JSON object")
    if isinstance(record.seed, bool) or not isinstance(record.seed, int):
        raise RecordError(f"{path}: field 'seed' is no whole number")
