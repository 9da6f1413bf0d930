"""Wheels that hold the pieces of a zip, as the package index has a model."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

from bench.downloads.entry import Packages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_wheels(folder: Path, files: Mapping[str, bytes], pieces: int = 2) -> Packages:
    """Zip the files below `tiny-model/`, cut the zip, and put a wheel with each piece in a folder.

    Returns:
        What the catalogue would say of them.
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"tiny-model/{name}", content)
    whole = held.getvalue()
    size = -(-len(whole) // pieces)
    folder.mkdir(parents=True, exist_ok=True)
    wheels = []
    for number in range(1, pieces + 1):
        name, own = f"tiny-model-part-{number}", f"tiny_model_part_{number}"
        wheel = folder / f"{own}-0.0.1-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            piece = whole[(number - 1) * size : number * size]
            archive.writestr(f"tiny-model_{number}/__init__.py", "")
            archive.writestr(f"tiny-model_{number}/input/tiny.zip.{number:03}", piece)
            about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n"
            made = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            archive.writestr(f"{own}-0.0.1.dist-info/METADATA", about)
            archive.writestr(f"{own}-0.0.1.dist-info/WHEEL", made)
            archive.writestr(f"{own}-0.0.1.dist-info/RECORD", "")
        wheels.append((f"{name}==0.0.1", hashlib.sha256(wheel.read_bytes()).hexdigest()))
    return Packages(tuple(wheels), root="tiny-model")
