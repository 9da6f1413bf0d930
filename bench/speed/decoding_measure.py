"""Decoders, and what a pass does with an image, timed; and decoders' pixels compared."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision import io, transforms

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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    Decode = Callable[[Path], Image.Image]
    Transform = Callable[[Image.Image], Tensor]

PILLOW = "Pillow"
DRAFT = "Pillow, draft mode"
TORCHVISION = "torchvision decode_jpeg"
PLAIN = "Pillow, torchvision's transforms"
OURS = "Pillow, quick views (a pass)"
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_ENOUGH = 1_000_000  # images of a pass: more than any threshold


def _draft(file: Path) -> Image.Image:
    """Decoded at half the size or less, where that still leaves what a target's resizing needs."""
    with Image.open(file) as image:
        image.draft("RGB", (RESIZE, RESIZE))
        ImageOps.exif_transpose(image, in_place=True)
        return to_rgb(image)


def _decode_jpeg(file: Path) -> Tensor:
    data = io.read_file(str(file))
    return io.decode_jpeg(data, mode=io.ImageReadMode.RGB)  # type: ignore[no-any-return]


def _decode_image(file: Path) -> Tensor:
    rgb = io.ImageReadMode.RGB
    return io.decode_image(str(file), mode=rgb, apply_exif_orientation=True)  # type: ignore[no-any-return]


DECODERS: dict[str, Callable[[Path], Any]] = {PILLOW: open_rgb, DRAFT: _draft}
"""Path -> RGB image, or uint8 [3, H, W]."""

if hasattr(io, "decode_jpeg"):  # deprecated since torchvision 0.29
    DECODERS |= {TORCHVISION: _decode_jpeg, "torchvision decode_image": _decode_image}


def time_decoders(files: Sequence[Path], workers: int, repeats: int) -> list[dict[str, Any]]:
    """Images a second of each decoder alone, on one thread and on `workers`, in turns."""
    return _timed(DECODERS, files, workers, repeats)


def time_passes(files: Sequence[Path], workers: int, repeats: int) -> list[dict[str, Any]]:
    """Images a second decoded and prepared for a target and an encoder, as in a pass."""
    plain = _transforms()
    quick = [fast_transform(transform, _ENOUGH) for transform in plain]

    def seen(decode: Decode, views: Sequence[Transform], file: Path) -> None:
        image = decode(file)
        for view in views:
            view(image)

    def as_image(decode: Callable[[Path], Tensor], file: Path) -> Image.Image:
        return Image.fromarray(decode(file).permute(1, 2, 0).numpy())

    works = {
        PLAIN: partial(seen, open_rgb, plain),
        OURS: partial(seen, open_rgb, quick),
        DRAFT: partial(seen, _draft, quick),
    }
    if TORCHVISION in DECODERS:
        works[TORCHVISION] = partial(seen, partial(as_image, _decode_jpeg), quick)
    return _timed(works, files, workers, repeats)


def time_parts(files: Sequence[Path], repeats: int) -> list[dict[str, Any]]:
    """CPU seconds an image of each step of a pass, on one thread.

    `lock` says whether a step holds Python's lock, so that other threads wait: Pillow's decoding
    and resizing, torch's operations and compiled loops do not.
    """
    images = [open_rgb(file) for file in files]
    rows: list[dict[str, Any]] = []

    def add(name: str, lock: bool, work: Callable[[Any], Any], inputs: Sequence[Any]) -> list[Any]:
        results = [work(one) for one in inputs]
        with _one_thread():
            cost = statistics.median(_cpu_s(work, inputs) for _ in range(repeats))
        rows.append({"part": name, "lock": lock, "cpu_s": cost / len(inputs)})
        return results

    add("open and read the header", True, _opened, files)
    add("open, decode, turn upright", False, open_rgb, files)
    add("copy out of Pillow", True, np.asarray, images)
    for name, plain in zip(("target", "encoder"), _transforms(), strict=True):
        resize, crop, *rest = plain.transforms
        resized = add(f"{name}: resize", False, resize, images)
        cropped = add(f"{name}: crop", True, crop, resized)
        add(f"{name}: to tensor, normalise", False, transforms.Compose(rest), cropped)
        view = fast_transform(plain, _ENOUGH)
        if not isinstance(view, FastTransform) or not view.agrees:
            raise SystemExit("this Pillow resizes in another way: no quick view")
        add(f"{name}: all in one (a pass)", False, view, images)
    return rows


def compare_pixels(files: Sequence[Path]) -> list[dict[str, Any]]:
    """How far each decoder's pixels are from Pillow's, by kind of file."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for file in files:
        kind, expected = kind_of(file), np.asarray(open_rgb(file))
        for name in [name for name in DECODERS if name != PILLOW]:
            counts = dict.fromkeys(("files", "equal", "refused", "other_size", "largest"), 0)
            row = rows.setdefault((name, kind), {"decoder": name, "kind": kind, **counts})
            row["files"] += 1
            try:
                pixels = _pixels(DECODERS[name](file))
            except RuntimeError:  # torchvision's word for a kind that it does not read
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
    """As torchvision's ResNets and OpenAI's CLIP networks want their images."""
    return (
        square_transform(SIZE, RESIZE, IMAGENET_MEAN, IMAGENET_STD),
        square_transform(SIZE, SIZE, _CLIP_MEAN, _CLIP_STD, "bicubic"),
    )


def _opened(file: Path) -> int:
    with Image.open(file) as image:
        return image.getexif().get(0x0112, 1)  # type: ignore[no-any-return]


def _pixels(found: Any) -> NDArray[np.uint8]:
    return np.asarray(found if isinstance(found, Image.Image) else found.permute(1, 2, 0))


def _timed(
    works: Mapping[str, Callable[[Path], Any]], files: Sequence[Path], workers: int, repeats: int
) -> list[dict[str, Any]]:
    """Medians, all works in turns; each is run once before."""
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in works}
    for work in works.values():
        work(files[0])
    for _ in range(repeats):
        for name, work in works.items():
            with _one_thread():
                start, cpu = time.perf_counter(), _cpu_s(work, files)
                alone = time.perf_counter() - start
            start = time.perf_counter()
            with ThreadPoolExecutor(workers) as pool:
                for _result in pool.map(work, files):
                    pass
            taken[name].append((alone, time.perf_counter() - start, cpu))
    rows = []
    for name, runs in taken.items():
        alone, together, cpu = (statistics.median(run[i] for run in runs) for i in range(3))
        count = len(files)
        rows.append(
            {
                "name": name,
                "per_s_one_thread": count / alone,
                "per_s": count / together,
                "cpu_s": cpu / count,
            }
        )
    return rows


def _cpu_s(work: Callable[[Any], Any], inputs: Sequence[Any]) -> float:
    start = time.process_time()
    for one in inputs:
        work(one)
    return time.process_time() - start


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
