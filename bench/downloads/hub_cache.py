"""The Hugging Face hub's own cache on this machine: where things lie, and what is there."""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[\w.-]*\w")


def hub_cache() -> Path:
    """The folder, as the hub's own library has it: $HF_HUB_CACHE, or hub/ in $HF_HOME."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def snapshot(repo: str, revision: str = "main") -> Path:
    """The folder of a model's files at a revision; where nothing of it is here, the model's own.

    A branch stands for the commit that was its last when it was asked for.

    Args:
        repo: "owner/model".
        revision: Branch, tag or commit.
    """
    model = hub_cache() / f"models--{repo.replace('/', '--')}"
    try:
        commit = (model / "refs" / revision).read_text(encoding="utf-8").strip()
    except OSError:
        commit = revision
    folder = model / "snapshots" / commit
    return folder if _COMMIT.fullmatch(commit) and folder.is_dir() else model


def cached(repo: str, file: str, revision: str = "main") -> bool:
    """Whether a file of a model is here."""
    return (snapshot(repo, revision) / file).is_file()
