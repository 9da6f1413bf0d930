"""ImageNet's validation files and devkit as their owners lay them out, of a few classes."""

from __future__ import annotations

import shutil
import tarfile

import numpy as np
from scipy.io import savemat

SHOWN = ("n02119789", "n01440764", "n02100735", "n15075141")  # in the order of their ILSVRC ids
IMAGES = (2, 1, 4, 3, 1, 2, 2)  # ILSVRC id of image 1, 2, ...
FIELDS = (
    "ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height",
    "num_train_images",
)  # fmt: skip


def image_name(number):
    return f"ILSVRC2012_val_{number:08d}.JPEG"


TRUTH = "".join(f"{one}\n" for one in IMAGES)


def write_devkit(root, truth=TRUTH):
    """The kit as its owners lay it out: a struct array of 1 x n, inner nodes of WordNet last."""
    data = root / "ILSVRC2012_devkit_t12" / "data"
    data.mkdir(parents=True)
    nodes = [(one, synset, 0, []) for one, synset in enumerate(SHOWN, start=1)]
    nodes += [(1001, "n00001740", 2, [1, 2])]
    synsets = np.empty((len(nodes), 1), dtype=[(field, object) for field in FIELDS])
    for row, (number, synset, count, children) in enumerate(nodes):
        synsets[row, 0] = (
            float(number), synset, f"words of {synset}", "a gloss", float(count),
            np.array([children], dtype=float), 0.0, 1300.0,
        )  # fmt: skip
    savemat(data / "meta.mat", {"synsets": synsets}, do_compression=True)
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    (root / "ILSVRC2012_devkit_t12" / "readme.txt").write_text("no image")
    return root / "ILSVRC2012_devkit_t12"


def pack(devkit):
    archive = devkit.parent / "ILSVRC2012_devkit_t12.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(devkit, devkit.name)
    shutil.rmtree(devkit)
    return archive
