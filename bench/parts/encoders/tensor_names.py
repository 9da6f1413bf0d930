"""Names of the tensors in a weights file, read without torch and without unpickling."""

from __future__ import annotations

import json
import pickletools
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MAX_HEADER = 100_000_000
"""Limit of safetensors for its header, in bytes."""


def tensor_names(file: Path) -> frozenset[str] | None:
    """Return the names in a safetensors file, or all strings in the pickle of a PyTorch file.

    Args:
        file: A weights file.

    Returns:
        The names, maybe among other strings; None for other formats and damaged files.
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
