"""Checkpoints as PyTorch's first years wrote them, under Python 2."""

from __future__ import annotations

import pickle
import types
from typing import TYPE_CHECKING, Any, ClassVar

import torch

if TYPE_CHECKING:
    from pathlib import Path


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """Writes texts as the byte strings that they were in Python 2."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_text(self, text: str) -> None:
        content = text.encode("latin1")
        assert len(content) < 256
        self.write(pickle.SHORT_BINSTRING + bytes([len(content)]) + content)
        self.memoize(text)

    def save_bytes(self, content: bytes) -> None:
        self.save_text(content.decode("latin1"))

    dispatch[str] = save_text
    dispatch[bytes] = save_bytes


def save_like_python_2(value: Any, file: Path) -> None:
    """Write a checkpoint in the format from before PyTorch 1.6, with Python 2's texts."""

    def dump(value: Any, opened: Any, protocol: int = 2) -> None:
        Python2Pickler(opened, protocol).dump(value)

    module = types.SimpleNamespace(Pickler=Python2Pickler, dump=dump, __name__="pickle")
    torch.save(
        value, file, pickle_module=module, pickle_protocol=2, _use_new_zipfile_serialization=False
    )
