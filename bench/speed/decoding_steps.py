"""Time decoders and the steps of a pass, and compare decoders' pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision import io, transforms

from bench.errors import UserError
from bench.evidence.fast_transforms import FastTransform, fast_transform
from bench.parts.probes.images import open_rgb, to_rgb
from bench.parts.targets.transform import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    RESIZE,
    SIZE,
    square_transform,
)
from bench.speed.decoding_images import kind_of
from bench.speed.harness import alternate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    Decode = Callable[[Path], Any]

PILLOW = "Pillow"
DRAFT = "Pillow, draft mode"
TORCHVISION = "torchvision decode_jpeg"
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_IMAGES = 1_000_000
"""Size of a pass for which quick views are worth compiling."""


def _open_draft(file: Path) -> Image.Image:
    """Decode at a fraction of the size, at least the size to which a target resizes."""
    with Image.open(file) as image:
        image.draft("RGB", (RESIZE, RESIZE))
        ImageOps.exif_transpose(image, in_place=True)
        return to_rgb(image)


def _decode_jpeg(file: Path) -> Tensor:
    data = io.read_file(str(file))
    return io.decode_jpeg(data, mode=io.ImageReadMode.RGB)  # type: ignore[no-any-return]


DECODERS: dict[str, Decode] = {PILLOW: open_rgb, DRAFT: _open_draft}
"""Functions that map a path to an RGB image, or to uint8 [3, H, W]."""

if hasattr(io, "decode_jpeg"):  # deprecated since torchvision 0.29
    upright = {"mode": io.ImageReadMode.RGB, "apply_exif_orientation": True}
    DECODERS |= {
        TORCHVISION: _decode_jpeg,
        "torchvision decode_image": lambda file: io.decode_image(str(file), **upright),
    }


def passes() -> dict[str, Decode]:
    """Return functions that decode a file and prepare it for a target and an encoder."""
    plain = _transforms()
    quick = [fast_transform(transform, _IMAGES) for transform in plain]

    def prepare(decode: Decode, views: Sequence[Callable[[Any], Tensor]], file: Path) -> None:
        image = decode(file)
        for view in views:
            view(image)

    works = {
        "Pillow, torchvision's transforms": partial(prepare, open_rgb, plain),
        "Pillow, quick views (a pass)": partial(prepare, open_rgb, quick),
        DRAFT: partial(prepare, _open_draft, quick),
    }
    if TORCHVISION in DECODERS:
        works[TORCHVISION] = partial(
            prepare, lambda file: Image.fromarray(_pixels(_decode_jpeg(file))), quick
        )
    return dict(works)


def time_files(
    works: Mapping[str, Decode], files: Sequence[Path], workers: int, repeats: int
) -> list[dict[str, Any]]:
    """Return the files per second of each work, on one thread and on `workers`, in turns."""
    for work in works.values():
        work(files[0])

    def use_threads(work: Decode) -> None:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(work, files):  # drop results at once
                pass

    with _one_thread():
        alone = alternate({k: partial(_each, v, files) for k, v in works.items()}, repeats=repeats)
    together = alternate({k: partial(use_threads, v) for k, v in works.items()}, repeats=repeats)
    return [
        {
            "name": name,
            "per_s_one_thread": len(files) / alone[name].seconds,
            "per_s": len(files) / together[name].seconds,
            "cpu_s": alone[name].cpu_s / len(files),
        }
        for name in works
    ]


def time_steps(files: Sequence[Path], repeats: int) -> list[dict[str, Any]]:
    """Return the CPU seconds per image of each step of a pass, on one thread.

    `lock` tells whether a step holds Python's lock, so that other threads wait: Pillow's decoding
    and resizing, torch's operations and compiled loops do not.
    """
    images = [open_rgb(file) for file in files]
    rows: list[dict[str, Any]] = []

    def add(name: str, lock: bool, work: Callable[[Any], Any], inputs: Sequence[Any]) -> list[Any]:
        results = [work(one) for one in inputs]
        with _one_thread():
            cost = alternate({name: partial(_each, work, inputs)}, repeats=repeats)[name].cpu_s
        rows.append({"part": name, "lock": lock, "cpu_s": cost / len(inputs)})
        return results

    add("open and read the header", True, _read_orientation, files)
    add("open, decode, turn upright", False, open_rgb, files)
    add("copy out of Pillow", True, np.asarray, images)
    for name, plain in zip(("target", "encoder"), _transforms(), strict=True):
        resize, crop, *rest = plain.transforms
        resized = add(f"{name}: resize", False, resize, images)
        cropped = add(f"{name}: crop", True, crop, resized)
        add(f"{name}: to tensor, normalise", False, transforms.Compose(rest), cropped)
        view = fast_transform(plain, _IMAGES)
        if not isinstance(view, FastTransform) or not view.agrees:
            raise UserError("the installed Pillow resizes differently: no quick view is possible")
        add(f"{name}: all in one (a pass)", False, view, images)
    return rows


def compare_pixels(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the differences of each decoder's pixels from Pillow's, by kind of file."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for file in files:
        kind, expected = kind_of(file), np.asarray(open_rgb(file))
        for name in [name for name in DECODERS if name != PILLOW]:
            counts = dict.fromkeys(("files", "equal", "refused", "other_size", "largest"), 0)
            row = rows.setdefault((name, kind), {"decoder": name, "kind": kind, **counts})
            row["files"] += 1
            try:
                pixels = _pixels(DECODERS[name](file))
            except RuntimeError:  # torchvision cannot read this kind
                row["refused"] += 1
                continue
            if pixels.shape == expected.shape:
                gap = int(np.abs(pixels.astype(np.int16) - expected).max())
                row["largest"] = max(row["largest"], gap)
                row["equal"] += gap == 0
            else:
                row["other_size"] += 1
    return [rows[key] for key in sorted(rows)]


def _transforms() -> tuple[Any, Any]:
    """Return the transforms of torchvision's ResNets and of OpenAI's CLIP."""
    return (
        square_transform(SIZE, RESIZE, IMAGENET_MEAN, IMAGENET_STD),
        square_transform(SIZE, SIZE, _CLIP_MEAN, _CLIP_STD, "bicubic"),
    )


def _read_orientation(file: Path) -> int:
    with Image.open(file) as image:
        return image.getexif().get(0x0112, 1)  # type: ignore[no-any-return]


def _pixels(image: Any) -> NDArray[np.uint8]:
    return np.asarray(image if isinstance(image, Image.Image) else image.permute(1, 2, 0))


def _each(work: Callable[[Any], Any], inputs: Sequence[Any]) -> None:
    for one in inputs:
        work(one)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
