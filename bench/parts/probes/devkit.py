"""The development kit of ILSVRC 2012, with the classes of the validation images.

It numbers classes by ILSVRC ids, unlike networks; its meta.mat maps the ids to synsets.
Source: Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, and the
kit's own readme.txt.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError
from bench.parts.probes.members import read_members
from bench.parts.truths.shipped import imagenet_synsets

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
META = "data/meta.mat"
_MAX_SIZE = 100_000_000
_HINT = "get ILSVRC2012_devkit_t12.tar.gz again from https://image-net.org/download"


def validation_classes(devkit: Path) -> list[int]:
    """Return the class of every validation image, in the order of their numbers.

    Args:
        devkit: The kit's archive, or its unpacked folder.

    Returns:
        Positions in the sorted list of the 1,000 synsets.

    Raises:
        UserError: A file is missing or damaged, or the two files do not match.
    """
    content = read_members(devkit, (TRUTH, META), _MAX_SIZE)
    classes = _classes_by_id(content[META], f"{devkit}/{META}")
    found = []
    for number, line in enumerate(content[TRUTH].split(), start=1):
        word = line.decode("ascii", errors="replace")
        known = classes.get(int(word)) if word.isdecimal() else None
        if known is None:
            raise UserError(
                f"{word!r} is not the ILSVRC id of one of the 1,000 classes",
                where=f"{devkit}/{TRUTH}:{number}",
                hint=_HINT,
            )
        found.append(known)
    return found


def _classes_by_id(data: bytes, where: str) -> dict[int, int]:
    from scipy.io import loadmat  # takes a moment to import

    try:
        # Its stubs do not mention open files.
        file: Any = io.BytesIO(data)
        loaded = loadmat(file, squeeze_me=True, variable_names=["synsets"])
        synsets = np.atleast_1d(loaded["synsets"])
        pairs = [
            (int(number), str(synset))
            for number, synset in zip(synsets["ILSVRC2012_ID"], synsets["WNID"], strict=True)
        ]
    except Exception as error:  # of the reader, for damaged files
        raise UserError(
            f"not a table of synsets ({type(error).__name__}: {error})", where=where, hint=_HINT
        ) from error
    known = imagenet_synsets()
    # Ids from 1001 are inner nodes of WordNet, without images.
    return {number: known[synset] for number, synset in pairs if synset in known}
