"""The Hugging Face hub's cache on this machine.

The layout is read here and not by `huggingface_hub`, whose cache functions take half a second to
import and follow a branch file out of the cache.
"""

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
    """Return the folder that the hub's library uses: $HF_HUB_CACHE, or hub/ in $HF_HOME."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def model_folder(repo: str) -> Path:
    """Return the folder of a model in the cache, with all its revisions."""
    return hub_cache() / f"models--{repo.replace('/', '--')}"


def snapshot(repo: str, revision: str = "main") -> Path:
    """Return the folder of a model's files at a revision; the model's own if nothing is cached.

    Args:
        repo: "owner/model".
        revision: Branch, tag or commit. A branch means its last commit at the time of download.
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
) -> None:
    """Move a model's files into the cache, where the hub's libraries find them.

    Args:
        repo: "owner/model".
        label: Stands for the commit.
        files: Names of the files.
        source: The folder that they are moved from.
        revision: The branch that points at them from now on.

    Raises:
        OSError: The cache cannot be written to.
    """
    model = model_folder(repo)
    with atomic_folder(model / "snapshots" / label) as folder:
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source / name, folder / name)
    write_atomic(model / "refs" / revision, label)


def is_cached(repo: str, file: str, revision: str = "main") -> bool:
    """Return whether a file of a model is in the cache."""
    return (snapshot(repo, revision) / file).is_file()
