"""Requirements of parts that this machine does not meet: files, models and packages.

Look at names and sizes only: compute no hash, open no connection and import no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from bench.downloads.data_folder import inspect_entry, path_of
from bench.downloads.packages import find_package, pip_install
from bench.downloads.paths import entry_of, fetch_hint, similar_paths, user_path
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.downloads.entry import Download


@dataclass(frozen=True)
class Requirement:
    """A file, model or package that a part needs and this machine does not have.

    Attributes:
        name: In a few words: "Broden 1.0, 224 x 224".
        hint: The command that provides it, or where its owners distribute it.
        size: Approximate size in bytes; None if unknown.
        automatic: Whether a run with a connection downloads it.
        where: The config key that names it; empty if the choice of a part implies it.
        similar: Existing paths with similar names, nearest first.
    """

    name: str
    hint: str
    size: int | None = None
    automatic: bool = False
    where: str = field(default="", compare=False)
    similar: tuple[str, ...] = ()


class HasPackages(Protocol):
    """Optional for a part: the packages that it imports."""

    packages: ClassVar[tuple[str, ...]]
    """Names of top-level modules."""


@runtime_checkable
class HasRequirements(Protocol):
    """Optional for a part: the files and models that it needs."""

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return those that this machine does not have, by names and sizes only."""
        ...


def unmet_requirements(part: object) -> tuple[Requirement, ...]:
    """Return what a part needs and this machine does not have, without duplicates.

    Args:
        part: Any part; it may be `HasPackages` and `HasRequirements`.
    """
    packages: tuple[str, ...] = getattr(part, "packages", ())
    missing = [requirement for module in packages for requirement in unmet_package(module)]
    if isinstance(part, HasRequirements):
        missing += part.unmet_requirements()
    return tuple(dict.fromkeys(missing))


def unmet_package(module: str) -> tuple[Requirement, ...]:
    """Return a package as a requirement; empty if it is installed."""
    if find_package(module) is not None:
        return ()
    return (Requirement(f"the package {module}", pip_install(module)),)


def unmet_download(entry: Download, where: str = "") -> tuple[Requirement, ...]:
    """Return an entry of the download catalog as a requirement; empty if it is present.

    Args:
        entry: The entry.
        where: The config key of its path; empty if the choice of a part implies it.
    """
    if inspect_entry(entry, hashes=False).kind == "here":
        return ()
    # Libraries download models of the hub on demand; nothing else is downloaded by a run.
    automatic = entry.kind == "hub"
    size = entry.size or entry.estimate
    return (Requirement(entry.summary, fetch_hint(entry), size, automatic, where),)


def unmet_path(
    path: str, what: str, where: str, hint: str = "give an existing path"
) -> tuple[Requirement, ...]:
    """Return a path in a config as a requirement; empty if it exists or no path is given.

    Args:
        path: A path, or `fetched:NAME/inside`.
        what: What it should be, for the message: "concept file".
        where: The config key of the path.
        hint: The command that provides it, unless it can be fetched.
    """
    if not path:
        return ()
    entry = entry_of(path)
    # A user may have unpacked an archive in another form; the part that reads it decides.
    if entry is not None and (entry.kind == "file" or not path_of(entry).exists()):
        return unmet_download(entry, where)
    try:
        file = user_path(path)
    except UserError as error:
        return (Requirement(path, error.hint, where=where, similar=error.valid),)
    if file.exists():
        return ()
    if entry is not None:
        check = f"dissectbench fetch --check {entry.name}"
        return (Requirement(f"{path}, a part of it", check, where=where),)
    return (Requirement(f"the {what} {path}", hint, where=where, similar=similar_paths(file)),)
