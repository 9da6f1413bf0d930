"""Files for a whole cell: images, masks and weights, of the real formats and made up here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

_DISTINCT = 1024
_DISTINCT_MASKS = 256
_SIZE = 224
_MASK = 112


def make_images(folder: Path, count: int) -> None:
    """Write JPEG files of smooth noise; beyond 1,024 they are links to these."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(count):
        file = folder / f"{number:06d}.jpg"
        if number < _DISTINCT:
            coarse = draw.integers(0, 256, (14, 14, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC)
            picture.save(file, quality=90)
        else:
            file.hardlink_to(folder / f"{number % _DISTINCT:06d}.jpg")


def make_network(file: Path, arch: str) -> Path:
    """Save random weights of a torchvision network."""
    import torch
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.get_model(arch, weights=None).state_dict(), file)
    return file


def make_encoder(file: Path, model: str) -> Path:
    """Save random weights of an open_clip model."""
    import open_clip
    import torch

    torch.manual_seed(0)
    torch.save(open_clip.create_model(model, pretrained=None).state_dict(), file)
    return file


def make_tree(folder: Path, count: int) -> None:
    """Write a tree in Broden's layout, JPEG images and masks of 112 x 112.

    As many labels as Broden has; beyond 256 images the index names the same files again.
    """
    from bench.broden import BrodenLabel, MaskedImage, write_broden
    from bench.broden.layout import INDEX
    from bench.speed.dissection_inputs import CATEGORIES, LABELS, random_masks

    distinct = min(count, _DISTINCT_MASKS)
    pictures = folder.with_name("pictures")
    make_images(pictures, distinct)
    images = []
    for number, masks in enumerate(random_masks(distinct, _MASK, seed=0)):
        marks: dict[str, list[int | np.ndarray]] = {}
        for plane in masks.planes:
            category = LABELS[int(plane.max())].category
            marks.setdefault(category, []).append(plane + 1)
        for label in masks.scalars:
            marks.setdefault(LABELS[label].category, []).append(label + 1)
        images.append(MaskedImage(f"{number:06d}", marks, pictures / f"{number:06d}.jpg"))
    labels = [BrodenLabel(at, one.name, one.category) for at, one in enumerate(LABELS, start=1)]
    write_broden(folder, images, labels, tuple(CATEGORIES), mask_size=(_MASK, _MASK))
    index = folder / INDEX
    header, *rows = index.read_text(encoding="utf-8").splitlines(keepends=True)
    repeated = [rows[number % distinct] for number in range(count)]
    index.write_text("".join([header, *repeated]), encoding="utf-8")
