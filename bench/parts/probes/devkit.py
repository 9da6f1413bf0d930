"""The development kit of ILSVRC 2012: which class each validation image is of.

It numbers classes otherwise than networks do: by ILSVRC ids, which its meta.mat maps to synsets.
Source: Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, and the
kit's own readme.txt.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UserError
from bench.parts.probes.inside import read_inside
from bench.parts.truths.shipped import imagenet_synsets

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
META = "data/meta.mat"
_MOST = 100_000_000
_HINT = "get ILSVRC2012_devkit_t12.tar.gz again from https://image-net.org/download"


def validation_classes(devkit: Path) -> list[int]:
    """The class of every validation image, in the order of their numbers, which begin at 1.

    Args:
        devkit: The kit's archive, or the folder that it unpacks to.

    Returns:
        Positions in the sorted list of the 1,000 synsets.

    Raises:
        UserError: A file is missing or damaged, or the two do not fit together. Says which line.
    """
    content = read_inside(devkit, (TRUTH, META), _MOST)
    classes = _classes_by_id(content[META], f"{devkit}/{META}")
    found = []
    for number, line in enumerate(content[TRUTH].split(), start=1):
        word = line.decode("ascii", errors="replace")
        known = classes.get(int(word)) if word.isdecimal() else None
        if known is None:
            raise UserError(
                f"{word!r} is no ILSVRC id of one of the 1,000 classes",
                where=f"{devkit}/{TRUTH}:{number}",
                hint=_HINT,
            )
        found.append(known)
    return found


def _classes_by_id(data: bytes, where: str) -> dict[int, int]:
    from scipy.io import loadmat  # takes a moment to import

    try:
        # It reads from open files too, which its stubs do not say.
        file: Any = io.BytesIO(data)
        loaded = loadmat(file, squeeze_me=True, variable_names=["synsets"])
        synsets = np.atleast_1d(loaded["synsets"])
        pairs = [
            (int(number), str(synset))
            for number, synset in zip(synsets["ILSVRC2012_ID"], synsets["WNID"], strict=True)
        ]
    except Exception as error:  # the reader raises whatever a damaged file leads it to
        raise UserError(
            f"this is no table of synsets ({type(error).__name__}: {error})",
            where=where,
            hint=_HINT,
        ) from error
    known = imagenet_synsets()
    # Ids from 1001 are inner nodes of WordNet, which no image is labelled with.
    return {number: known[synset] for number, synset in pairs if synset in known}
