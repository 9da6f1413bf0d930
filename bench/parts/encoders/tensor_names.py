"""Names of the tensors in a weights file, read without torch and without unpickling."""

from __future__ import annotations

import pickletools
import zipfile
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    from pathlib import Path


def tensor_names(file: Path) -> frozenset[str] | None:
    """Return the names in a safetensors file, or all strings in the pickle of a PyTorch file.

    Args:
        file: A weights file.

    Returns:
        The names, maybe among other strings; None for other formats and damaged files.
    """
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="np") as tensors:
                return frozenset(tensors.keys())
        with zipfile.ZipFile(file) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            texts = (
                argument
                for name in pickles
                for _, argument, _ in pickletools.genops(archive.read(name))
                if isinstance(argument, str)
            )
            return frozenset(texts)
    except (OSError, ValueError, zipfile.BadZipFile, SafetensorError):
        return None
