"""The record of one cell: what ran on what, and with what outcome. Its JSON is a contract."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = 1

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

Status = Literal["ok", "failed"]
Origin = Literal["measured", "imported", "reported"]
Fault = Literal["damaged", "newer", "unreadable"]


class RecordError(ValueError):
    """A file of a record cannot be used; the message names the file and the reason.

    Attributes:
        fault: What is wrong, in one word.
    """

    fault: ClassVar[Fault] = "damaged"


class IncompleteError(RecordError):
    """A file is missing, empty or truncated; the cell must be run again."""


class NewerError(RecordError):
    """A file has the schema of a later version of this package."""

    fault = "newer"


class UnreadableError(RecordError):
    """The system refuses to read a file."""

    fault = "unreadable"


def read_json_object(path: Path, schema: int) -> dict[str, Any]:
    """Read a JSON file that holds an object with a "schema".

    Raises:
        IncompleteError: The file is missing, or is not a JSON object.
        NewerError: Its schema is later than `schema`.
        UnreadableError: The system refuses to read it.
        RecordError: Its schema is another one.
    """
    content = read_file(path)
    try:
        data = json.loads(content)
    except ValueError as error:
        raise IncompleteError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(data, dict):
        raise IncompleteError(f"{path}: not a JSON object")
    found = data.get("schema")
    if found != schema:
        kind = NewerError if isinstance(found, int) and found > schema else RecordError
        raise kind(f"{path}: schema {found!r}; this version reads {schema}")
    return data


def read_file(path: Path) -> bytes:
    """Read a file.

    Raises:
        IncompleteError: There is no such file.
        UnreadableError: The system refuses to read it.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IncompleteError(f"{path}: no such file") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror or error})") from error


def slug(name: object, what: str) -> str:
    """Return a name after a check that it can be a part of a path.

    Args:
        name: The name, from a file or a user.
        what: The thing it names, for the message ("board", "method").

    Raises:
        RecordError: It is not a text of 1 to 80 letters, digits, `_`, `.` and `-` that starts with
            a letter or a digit.
    """
    if not isinstance(name, str) or not _SLUG.fullmatch(name):
        raise RecordError(
            f"{what} name {name!r} cannot be part of a path: use letters, digits, '_', '.' and "
            "'-', 80 at most, and start with a letter or a digit"
        )
    return name


@dataclass(frozen=True)
class Record:
    """The outcome of one cell; scores and timings are separate files.

    Attributes:
        key: Short sha256 of everything that decides the labels.
        board: The board that the cell was run for.
        status: "ok", or "failed" with `error` filled in.
        origin: Where the labels come from.
        method: {name, version, params, source, given, vocabulary}.
        target: {name, params, fingerprint, layer, pooling, units, map_size}; for a control row also
            `control`: {name, seed, base}, base the fingerprint of the network that it belongs to.
        probe: {name, params, fingerprint, n}.
        concepts: {name, params, sha256, n}.
        encoder: {name, params, fingerprint}; empty where the method needs none.
        segmenter: {name, params, fingerprint}; empty where the method needs none.
        captioner: {name, params, fingerprint}; empty where the method needs none.
        language_model: {name, params, fingerprint}; empty where there is none.
        generator: {name, params, fingerprint} of the source of images of concepts; empty where
            there is none.
        seed: The method's seed.
        run: Settings that do not decide the labels: {batch_size, device, workers, overrides,
            choices}.
        environment: Versions, hardware, device, threads, launcher, git state of this package.
        counts: {units, dead, unlabelled, undefined_scores, ...}; `non_finite` counts dead units
            with NaN or infinite activations.
        notes: Sentences for a reader ("top_k clamped from 100 to 60 images").
        error: {type, message, traceback} of a failed cell.
        tables: sha256 by file of the tables of labels, unpacked; empty in older records.
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
    language_model: Mapping[str, Any] = field(default_factory=dict)
    generator: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
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
            RecordError: As for `read_json_object`; or it has unknown, missing or wrong fields.
        """
        path = folder / "record.json"
        data = read_json_object(path, SCHEMA)
        names = {each.name for each in fields(cls)}
        for fault, found in (
            ("unknown", data.keys() - names),
            ("missing", _REQUIRED - data.keys()),
        ):
            if found:
                raise RecordError(f"{path}: {fault} fields {', '.join(map(repr, sorted(found)))}")
        notes = data.get("notes", [])
        if not isinstance(notes, list):
            raise RecordError(f"{path}: field 'notes' is not a list")
        record = cls(**{**data, "notes": tuple(notes)})
        _check(record, path)
        return record


_REQUIRED = frozenset(
    each.name
    for each in fields(Record)
    if each.default is MISSING and each.default_factory is MISSING
)

_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("key", "board"), str),
    **dict.fromkeys(("method", "target", "probe", "concepts", "encoder"), dict),
    **dict.fromkeys(("run", "environment", "counts", "tables"), dict),
    "seed": int,
}


def _check(record: Record, path: Path) -> None:
    """Raise RecordError for fields of another type, since a JSON file may hold anything."""
    for name, kind in _TYPES.items():
        value = getattr(record, name)
        if type(value) is not kind:
            found = type(value).__name__
            raise RecordError(f"{path}: field {name!r} has type {found}, not {kind.__name__}")
    for name, allowed in (("status", get_args(Status)), ("origin", get_args(Origin))):
        if getattr(record, name) not in allowed:
            raise RecordError(f"{path}: field {name!r} is not one of {', '.join(allowed)}")
