"""CIFAR-100's files as its publisher pickled them, of a few random images."""

from __future__ import annotations

import io
import pickle
import shutil
import struct
import tarfile
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [b"apple", b"aquarium_fish", b"baby"]


class PickledByPython2(pickle._Pickler):
    """Writes as Python 2 did: texts as byte strings of protocol 2, NumPy under its old names."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, text):
        short = len(text) < 256
        head = b"U" + bytes([len(text)]) if short else b"T" + struct.pack("<i", len(text))
        self.write(head + text)
        self.memoize(text)

    dispatch[bytes] = save_bytes


def pickled(value):
    buffer = io.BytesIO()
    PickledByPython2(buffer, protocol=2).dump(value)
    return buffer.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def content(n, seed):
    draw = np.random.default_rng(seed)
    return {
        b"filenames": [b"%05d.png" % at for at in range(n)],
        b"batch_label": b"testing batch 1 of 1",
        b"fine_labels": [int(at) for at in draw.integers(0, 3, n)],
        b"coarse_labels": [0] * n,
        b"data": draw.integers(0, 256, (n, 3072), dtype=np.uint8),
    }


def contents(train=30):
    """What the three files say."""
    return {
        "train": content(train, 0),
        "test": content(20, 1),
        "meta": {b"fine_label_names": NAMES, b"coarse_label_names": [b"fruit"]},
    }


def write_cifar100(root: Path, train: int = 30) -> Path:
    """The folder cifar-100-python inside `root`, with so many images to train on."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, value in contents(train).items():
        (folder / name).write_bytes(pickled(value))
    return folder


def pack_cifar100(folder: Path) -> Path:
    """The archive in place of the folder, as it is downloaded."""
    archive = folder.parent / "cifar-100-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    shutil.rmtree(folder)
    return archive
