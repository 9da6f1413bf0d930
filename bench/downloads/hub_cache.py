"""The Hugging Face hub's own cache on this machine: where things lie, and what is there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files import atomic_folder, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMMIT = re.compile(r"[\w.-]*\w")


def hub_cache() -> Path:
    """The folder, as the hub's own library has it: $HF_HUB_CACHE, or hub/ in $HF_HOME."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def model_folder(repo: str) -> Path:
    """Where all that is cached of a model lies."""
    return hub_cache() / f"models--{repo.replace('/', '--')}"


def snapshot(repo: str, revision: str = "main") -> Path:
    """The folder of a model's files at a revision; where nothing of it is here, the model's own.

    A branch stands for the commit that was its last when it was asked for.

    Args:
        repo: "owner/model".
        revision: Branch, tag or commit.
    """
    model = model_folder(repo)
    try:
        commit = (model / "refs" / revision).read_text(encoding="utf-8").strip()
    except OSError:
        commit = revision
    folder = model / "snapshots" / commit
    return folder if _COMMIT.fullmatch(commit) and folder.is_dir() else model


def add_snapshot(
    repo: str, label: str, files: Iterable[str], source: Path, revision: str = "main"
) -> Path:
    """Put a model's files where the hub's libraries look for them, and return their folder.

    Args:
        repo: "owner/model".
        label: What stands for the commit.
        files: Names of the files.
        source: The folder that they are moved from.
        revision: The branch that stands for them from now on.

    Raises:
        OSError: The cache cannot be written to.
    """
    model = model_folder(repo)
    final = model / "snapshots" / label
    with atomic_folder(final) as folder:
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source / name, folder / name)
    write_atomic(model / "refs" / revision, label)
    return final


def cached(repo: str, file: str, revision: str = "main") -> bool:
    """Whether a file of a model is here."""
    return (snapshot(repo, revision) / file).is_file()
