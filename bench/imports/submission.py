"""Submissions: a folder with labels of others, and a file that says what they are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from bench.config.validate import check_tuned_on
from bench.errors import UserError, nearest
from bench.files import printable
from bench.imports.labels import VOCABULARIES, Columns, read_labels
from bench.imports.record import Claim
from bench.imports.targets import find_layer
from leaderboards.record import RecordError, slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE = "submission.yaml"

_REQUIRED = {
    "method": "the name of its row: letters, digits, '_', '.' and '-'",
    "version": 'the version of the method, in quotes: "1.0"',
    "authors": "a list of names: [Ada Lovelace, Charles Babbage]",
    "link": "the address of its paper or code: https://...",
    "licence": "the licence of the labels, such as CC-BY-4.0",
    "hardware": "what the labels were made on, such as 1 x A100 40 GB",
    "given": "what the method was given besides images: none, captions, masks, ...",
    "vocabulary": f"where the labels come from: {', '.join(VOCABULARIES)}",
    "labels": "a list of files, each with file, target and layer",
}
_OPTIONAL = ("tuned_on",)
_FILE_REQUIRED = {
    "file": "the path of a table of labels inside the folder",
    "target": "the network, such as resnet50_imagenet",
    "layer": "the layer, such as fc",
}
_FILE_OPTIONAL = ("units", "columns")


@dataclass(frozen=True)
class LabelsFile:
    """A file of labels in a submission.

    Attributes:
        claim: What the submission says of it.
        columns: Its columns.
        units: Units of a layer that is not listed here; None for a listed one.
        n_units: Units that it names.
    """

    claim: Claim
    columns: Columns
    units: int | None
    n_units: int


@dataclass(frozen=True)
class Submission:
    """A folder that others hand in.

    Attributes:
        files: Its files of labels; only if it has no fault.
        vocabulary: Where the labels come from.
        faults: Everything that is wrong with it.
        notes: What a reader should know of the files.
    """

    files: tuple[LabelsFile, ...]
    vocabulary: str
    faults: tuple[UserError, ...]
    notes: tuple[str, ...]


def read_submission(folder: Path) -> Submission:
    """Read a submission and find all that is wrong with it.

    Raises:
        UserError: There is no such folder.
    """
    if not folder.is_dir():
        raise UserError(
            f"no folder {printable(folder)}", hint=f"give the folder that contains {FILE}"
        )
    faults: list[UserError] = []
    data = _read_yaml(folder / FILE, faults)
    if data is None:
        return Submission((), "", tuple(faults), ())
    where = str(printable(folder / FILE))
    faults += _keys(data, _REQUIRED, _OPTIONAL, where)
    faults += _values(data, where)
    files: list[LabelsFile] = []
    notes: list[str] = []
    entries = data.get("labels")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        place = f"{where}: labels[{number}]"
        before = len(faults)
        faults += _entry(entry, place)
        if len(faults) == before:
            found = _read_file(folder, data, entry, place, faults, notes)
            files += [found] if found else []
    seen: dict[tuple[str, str], str] = {}
    for one in files:
        layer = (one.claim.target, one.claim.layer)
        if layer in seen:
            fault = f"{one.claim.file} and {seen[layer]} have labels of the same layer {layer[1]}"
            faults.append(UserError(fault, where=where, hint="put them into one file"))
        seen[layer] = one.claim.file
    vocabulary = str(data.get("vocabulary", ""))
    return Submission(() if faults else tuple(files), vocabulary, tuple(faults), tuple(notes))


def _read_yaml(path: Path, faults: list[UserError]) -> dict[str, Any] | None:
    """Return the content of the file; None, and a fault, where it is not a YAML mapping."""
    where = str(printable(path))
    hint = "write one `key: value` a line; the guide on submissions has an example"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        faults.append(UserError(f"there is no {FILE}", where=where, hint=hint))
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        faults.append(UserError(f"not readable as YAML: {reason}", where=where + line, hint=hint))
        return None
    if isinstance(data, dict):
        return {str(key): value for key, value in data.items()}
    faults.append(UserError("not a mapping of keys to values", where=where, hint=hint))
    return None


def _keys(
    data: Mapping[str, Any], required: Mapping[str, str], optional: tuple[str, ...], where: str
) -> Iterator[UserError]:
    """Yield a fault for each missing and each unknown key."""
    for name, meaning in required.items():
        if data.get(name) in (None, "", [], {}):
            yield UserError(f"{name} is missing", where=where, hint=meaning)
    for name in data:
        if name not in (*required, *optional):
            known = (*required, *optional)
            hint = f"the keys are {', '.join(known)}"
            yield UserError(
                f"unknown key {name!r}", where=where, valid=nearest(name, known), hint=hint
            )


def _values(data: Mapping[str, Any], where: str) -> Iterator[UserError]:
    """Yield a fault for each value of another form than asked for; missing ones are left out."""
    for name, meaning in _REQUIRED.items():
        value = data.get(name)
        kind = list if name in ("authors", "labels") else str
        if value not in (None, "", [], {}) and not isinstance(value, kind):
            yield UserError(f"{name} {value!r} is not a {_KINDS[kind]}", where=where, hint=meaning)
    authors = data.get("authors")
    if isinstance(authors, list) and not all(isinstance(name, str) for name in authors):
        yield UserError("an author is not a text", where=where, hint=_REQUIRED["authors"])
    link = data.get("link")
    if isinstance(link, str) and link and not _is_address(link):
        yield UserError(f"link {link!r} is not an address", where=where, hint=_REQUIRED["link"])
    vocabulary = data.get("vocabulary")
    if isinstance(vocabulary, str) and vocabulary and vocabulary not in VOCABULARIES:
        yield UserError(
            f"unknown vocabulary {vocabulary!r}",
            where=where,
            valid=nearest(vocabulary, VOCABULARIES),
            hint=_REQUIRED["vocabulary"],
        )
    method = data.get("method")
    if isinstance(method, str) and method:
        try:
            slug(method, "method")
        except RecordError as error:
            yield UserError(str(error), where=where, hint=_REQUIRED["method"])
    try:
        check_tuned_on(data.get("tuned_on") or "")
    except UserError as error:
        yield UserError(error.what, where=f"{where}: tuned_on", hint="dev, or leave the key out")


_KINDS = {list: "list", str: "text"}


def _is_address(link: str) -> bool:
    parts = urlsplit(link)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and link.isprintable()


def _entry(entry: object, where: str) -> Iterator[UserError]:
    """Yield what is wrong with the description of a file of labels."""
    if not isinstance(entry, dict):
        hint = "give file, target and layer"
        yield UserError(f"{entry!r} is not a mapping", where=where, hint=hint)
        return
    yield from _keys(entry, _FILE_REQUIRED, _FILE_OPTIONAL, where)
    for name, meaning in _FILE_REQUIRED.items():
        value = entry.get(name)
        if value not in (None, "") and not isinstance(value, str):
            yield UserError(f"{name} {value!r} is not a text", where=where, hint=meaning)
    units = entry.get("units")
    if units is not None and (type(units) is not int or units < 1):
        hint = "the number of units of a layer that is not listed here, such as 512"
        yield UserError(f"invalid number of units {units!r}", where=where, hint=hint)
    columns = entry.get("columns", {})
    names = [field.name for field in fields(Columns) if field.name != "layer_given"]
    if not isinstance(columns, dict):
        hint = "give the columns as a mapping: {label: description}"
        yield UserError(f"columns {columns!r} are not a mapping", where=where, hint=hint)
        return
    for name, value in columns.items():
        if name not in names:
            hint = f"the columns are {', '.join(names)}"
            fault = f"unknown column {name!r}"
            yield UserError(fault, where=where, valid=nearest(str(name), names), hint=hint)
        elif name == "first_unit" and value not in (0, 1):
            yield UserError(f"invalid first_unit {value!r}", where=where, hint="give 0 or 1")
        elif name != "first_unit" and not isinstance(value, str):
            hint = "give the name of a column of the file"
            yield UserError(f"column {name} {value!r} is not a text", where=where, hint=hint)


def _read_file(
    folder: Path,
    data: Mapping[str, Any],
    entry: Mapping[str, Any],
    where: str,
    faults: list[UserError],
    notes: list[str],
) -> LabelsFile | None:
    """Read a file of labels; None, and all of its faults, where it is invalid."""
    path = (folder / entry["file"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        hint = "move the file into the folder"
        faults.append(
            UserError(f"{entry['file']!r} is outside of the folder", where=where, hint=hint)
        )
        return None
    given = entry.get("columns", {})
    columns = Columns(**{**given, "layer_given": "layer" in given})
    vocabulary = data.get("vocabulary")
    own: list[UserError] = []
    labels = None
    try:
        layer = find_layer(entry["target"], entry["layer"], entry.get("units"))
        labels = read_labels(
            str(folder / entry["file"]), columns, entry["layer"], layer.units,
            vocabulary if vocabulary in VOCABULARIES else None, faults=own,
        )  # fmt: skip
    except UserError as error:
        own.append(error if error.where.startswith(str(folder)) else _placed(error, where))
    faults += own
    if labels is None or own:
        return None
    notes += [f"{entry['file']}: {note}" for note in labels.notes]
    authors = data.get("authors")
    about = {name: data.get(name) for name in ("authors", "link", "licence", "hardware")}
    names = ", ".join(map(str, authors if isinstance(authors, list) else ()))
    claim = Claim(
        file=str(folder / entry["file"]),
        method=str(data.get("method")),
        target=entry["target"],
        layer=entry["layer"],
        source=f"{names}; {data.get('link')}",
        given=str(data.get("given")),
        tuned_on=data.get("tuned_on") or "",
        version=str(data.get("version")),
        submission=about,
    )
    return LabelsFile(claim, columns, entry.get("units"), len(labels.units))


def _placed(error: UserError, where: str) -> UserError:
    place = f"{where}: {error.where}" if error.where else where
    return UserError(error.what, where=place, valid=error.valid, hint=error.hint)
