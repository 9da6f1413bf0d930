"""Files of a Hugging Face model: in a folder, or at a commit of the hub. Needs no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.files import sha256_files

_CONFIG = "config.json"

MODEL_FILES = ("*.json", "*.safetensors", "*.bin")
"""Patterns of the files that a model is read from: config, processor and weights."""

TEXT_MODEL_FILES = (*MODEL_FILES, "*.txt", "*.model")
"""The same for a model with a tokenizer and its vocabulary."""


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model.

    Attributes:
        source: Argument of `from_pretrained`: a folder or a name on the hub.
        revision: The commit on the hub; empty for a folder.
        config: Its config.json, or the file in its place.
    """

    source: str
    revision: str
    config: dict[str, Any]

    def identity(self, patterns: tuple[str, ...] = MODEL_FILES) -> dict[str, Any]:
        """Return what decides every weight: name and commit, or the sha256 of each file.

        Args:
            patterns: Of the files in a folder that count.
        """
        if self.revision:
            return {"hub": self.source, "commit": self.revision}
        folder = Path(self.source)
        files = sorted(file for pattern in patterns for file in folder.glob(pattern))
        hashes = sha256_files(files)
        return {file.name: digest for file, digest in zip(files, hashes, strict=True)}


def find_model(name: str, revision: str, *, where: str, config: str = _CONFIG) -> ModelFiles:
    """Find a model's files and read its config.

    Download only the config of a model on the hub; without a connection, read it from the hub's
    cache.

    Args:
        name: A folder, or a name on the hub ("owner/model").
        revision: Branch, tag or commit on the hub.
        where: The config key of the name, for messages.
        config: Name of the file that describes the model.

    Raises:
        UserError: There is no such folder, it contains no config, or the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        file = folder / config
        if not file.is_file():
            raise UserError(
                f"the folder {name} contains no {config}",
                where=where,
                hint="give a folder that a model and its processor were saved to with "
                "save_pretrained",
            )
        return ModelFiles(str(folder.resolve()), "", _read(file))
    # A name on the hub is "model" or "owner/model"; anything else is a mistyped path.
    if not name or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError(
            f"there is no folder {name}",
            where=where,
            hint="give a folder, or a name on the Hugging Face hub",
        )
    file = _download_config(name, revision, where, config)
    # The file is snapshots/<commit>/config.json. Keys contain the commit, not the branch.
    return ModelFiles(name, file.parent.name, _read(file))


def _download_config(name: str, revision: str, where: str, config: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, config, revision=revision))
    except Exception as error:  # each cause has a class of its own
        raise UserError(
            f"cannot get {name} from the Hugging Face hub: {error}",
            where=where,
            hint="check name and connection, or give a folder that contains the model",
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read this config: {error}", where=str(file)) from error
    if not isinstance(loaded, dict):
        raise UserError("this config is not a JSON object", where=str(file))
    return loaded
