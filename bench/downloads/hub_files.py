"""Where a Hugging Face model's files lie: a folder, or a commit of the hub; needs no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.files import sha256_files

_CONFIG = "config.json"
KINDS = ("*.json", "*.safetensors", "*.bin")
"""What a model is read from: config and processor, weights in one or several files."""

TEXT_KINDS = (*KINDS, "*.txt", "*.model")
"""The same with the vocabulary of a tokenizer."""


@dataclass(frozen=True)
class ModelFiles:
    """A model that was found.

    Attributes:
        source: What the loading code is given: a folder or a name on the hub.
        revision: The commit on the hub; empty for a folder.
        config: Its config.json.
    """

    source: str
    revision: str
    config: dict[str, Any]

    def identity(self, kinds: tuple[str, ...] = KINDS) -> dict[str, Any]:
        """What decides every weight: hashes of a folder's files, or the name and its commit.

        Args:
            kinds: Patterns of the files in a folder that count.
        """
        if self.revision:
            return {"hub": self.source, "commit": self.revision}
        folder = Path(self.source)
        files = sorted(file for kind in kinds for file in folder.glob(kind))
        hashes = sha256_files(files)
        return {file.name: digest for file, digest in zip(files, hashes, strict=True)}


def find_model(name: str, revision: str, *, where: str) -> ModelFiles:
    """Find a model's files.

    Of a model on the hub only the config is fetched, and kept by the hub's own cache; where there
    is no connection, what that cache holds serves.

    Args:
        name: A folder, or a name on the hub ("owner/model").
        revision: Branch, tag or commit on the hub.
        where: The field that the name was given in, for messages.

    Raises:
        UserError: There is no such folder, it holds no config, or the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        file = folder / _CONFIG
        if not file.is_file():
            raise UserError(
                f"the folder {name} holds no {_CONFIG}",
                where=where,
                hint="give a folder that a model and its processor were saved to with "
                "save_pretrained",
            )
        return ModelFiles(str(folder.resolve()), "", _read(file))
    # A name on the hub is "model" or "owner/model"; everything else was meant as a path.
    if not name or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UserError(
            f"there is no folder {name}",
            where=where,
            hint="give a folder, or a name on the Hugging Face hub",
        )
    file = _fetch_config(name, revision, where)
    # The hub's cache keeps files as snapshots/<commit>/config.json: the commit of a branch is
    # what makes results reproducible, so that is what goes into keys.
    return ModelFiles(name, file.parent.name, _read(file))


def _fetch_config(name: str, revision: str, where: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, _CONFIG, revision=revision))
    except Exception as error:  # no connection, no such model, no access: one class each
        raise UserError(
            f"cannot get {name} from the Hugging Face hub: {error}",
            where=where,
            hint="check name and connection, or give a folder that holds the model",
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read this config: {error}", where=str(file)) from error
    if not isinstance(loaded, dict):
        raise UserError("this config is no JSON object", where=str(file))
    return loaded
