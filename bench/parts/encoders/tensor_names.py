"""The names in a weights file, read without torch and without running anything in it."""

from __future__ import annotations

import json
import pickletools
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MAX_HEADER = 100_000_000
"""Safetensors' own bound on its header, in bytes."""


def tensor_names(file: Path) -> frozenset[str] | None:
    """Names in a safetensors file; all texts in the pickle of a PyTorch file, names among them.

    Args:
        file: A weights file.

    Returns:
        The names; None where the format is another one or the file is damaged.
    """
    try:
        if file.suffix == ".safetensors":
            return _safetensors(file)
        with zipfile.ZipFile(file) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            texts = (
                argument
                for name in pickles
                for _, argument, _ in pickletools.genops(archive.read(name))
                if isinstance(argument, str)
            )
            return frozenset(texts)
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def _safetensors(file: Path) -> frozenset[str] | None:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > _MAX_HEADER:
            return None
        header = json.loads(stream.read(length))
    return frozenset(header) - {"__metadata__"}
