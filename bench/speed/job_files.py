"""Files for jobs, made up in the real formats: images, masks, and weights of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.errors import UserError, nearest

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
            image = Image.fromarray(coarse).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC)
            image.save(file, quality=90)
        else:
            file.hardlink_to(folder / f"{number % _DISTINCT:06d}.jpg")


def make_network(file: Path, arch: str) -> Path:
    """Save random weights of a torchvision network; raise UserError if there is none."""
    import torch
    from torchvision.models import get_model, list_models

    _check_name("torchvision", arch, list_models())
    torch.manual_seed(0)
    torch.save(get_model(arch, weights=None).state_dict(), file)
    return file


def make_encoder(file: Path, model: str) -> Path:
    """Save random weights of an open_clip model; raise UserError if there is none."""
    import open_clip
    import torch

    _check_name("open_clip", model, open_clip.list_models())
    torch.manual_seed(0)
    torch.save(open_clip.create_model(model, pretrained=None).state_dict(), file)
    return file


def _check_name(package: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise UserError(f"{package} has no network {name!r}", valid=nearest(name, names))


def make_broden(folder: Path, count: int) -> None:
    """Write a folder in Broden's layout, JPEG images and masks of 112 x 112.

    It has as many labels as Broden; beyond 256 images the index repeats the same files.
    """
    from bench.broden import BrodenLabel, MaskedImage, write_broden
    from bench.broden.layout import INDEX
    from bench.speed.maps_and_masks import BRODEN_LABELS, PLANES, random_masks

    distinct = min(count, _DISTINCT_MASKS)
    originals = folder.with_name("pictures")
    make_images(originals, distinct)
    masks = random_masks(BRODEN_LABELS, distinct, _MASK)
    images = []
    for number, image in enumerate(map(masks.image, range(distinct))):
        marks: dict[str, list[int | np.ndarray]] = {"scene": [image.scalars[0] + 1]}
        marks |= {name: [plane + 1] for name, plane in zip(PLANES, image.planes, strict=True)}
        images.append(MaskedImage(f"{number:06d}", marks, originals / f"{number:06d}.jpg"))
    labels = [BrodenLabel(at, one.name, one.category) for at, one in enumerate(masks.labels, 1)]
    write_broden(folder, images, labels, masks.categories, mask_size=masks.mask_size)
    index = folder / INDEX
    header, *rows = index.read_text(encoding="utf-8").splitlines(keepends=True)
    repeated = [rows[number % distinct] for number in range(count)]
    index.write_text("".join([header, *repeated]), encoding="utf-8")
