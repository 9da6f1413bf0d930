"""Write JPEG files, time decoders and the steps of a pass, and compare decoders' pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice, product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageOps, JpegImagePlugin
from torchvision import io, transforms

from bench.errors import UserError
from bench.evidence.fast_transforms import FastTransform, fast_transform
from bench.parts.probes.images import open_rgb, to_rgb
from bench.parts.targets import transform
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


_SIZES = ((500, 375), (375, 500), (256, 341), (64, 64), (301, 227), (640, 540), (17, 640))
_QUALITIES = (92, 75, 98, 40)
_ORIENTATION = 0x0112
_TURNED = Image.Exif()
_TURNED[_ORIENTATION] = 6
_KINDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("RGB", {"subsampling": "4:2:0"}),
    ("RGB", {"subsampling": "4:4:4"}),
    ("RGB", {"subsampling": "4:2:2"}),
    ("RGB", {"subsampling": "4:2:0", "progressive": True}),
    ("RGB", {"subsampling": "4:4:4", "progressive": True}),
    ("L", {}),
    ("CMYK", {}),
    ("RGB", {"subsampling": "4:2:0", "exif": _TURNED}),
)
"""Mode and options of each kind."""

_SAMPLING = {-1: "", 0: " 4:4:4", 1: " 4:2:2", 2: " 4:2:0"}


def write_mixed(folder: Path, count: int) -> list[Path]:
    """Write `count` files of all kinds, sizes and qualities in turn."""
    folder.mkdir(parents=True)
    files = []
    choices = islice(cycle(product(_QUALITIES, _SIZES, _KINDS)), count)
    for number, (quality, size, (mode, options)) in enumerate(choices):
        files.append(folder / f"{number}.jpg")
        _draw(number, size).convert(mode).save(files[-1], "JPEG", quality=quality, **options)
    return files


def write_alike(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write `count` files of one width and height, 4:2:0, quality 92, like most photographs."""
    folder.mkdir(parents=True)
    files = [folder / f"{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        _draw(number, size).save(file, "JPEG", quality=92, subsampling="4:2:0")
    return files


def find_files(folder: Path, count: int) -> list[Path]:
    """Return the first `count` JPEG files below a folder, by name."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in {".jpg", ".jpeg"})
    return sorted(files)[:count]


def is_turned(file: Path) -> bool:
    """Return whether the header of a file asks to turn the image."""
    with Image.open(file) as image:
        return bool(image.getexif().get(_ORIENTATION, 1) != 1)


def kind_of(file: Path) -> str:
    """Return the kind of a JPEG file for a table: mode, sampling, progressive or not."""
    if is_turned(file):
        return "turned by EXIF"
    with Image.open(file) as image:
        progressive = ", progressive" if image.info.get("progressive") else ""
        sampling = JpegImagePlugin.get_sampling(image) if image.mode == "RGB" else -1
        return f"{image.mode}{_SAMPLING[sampling]}{progressive}"


def _draw(seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw noise of several wavelengths, which has detail at all scales as photographs do."""
    random = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3))
    for grid, weight in ((4, 50.0), (16, 25.0), (64, 12.0), (160, 8.0)):
        coarse = random.integers(0, 256, (grid, grid, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        total += weight / 50 * (np.asarray(layer) - 127.5)
    return Image.fromarray(np.clip(total + 127.5, 0, 255).astype(np.uint8))


def _open_draft(file: Path) -> Image.Image:
    """Decode at a fraction of the size, at least the size to which a target resizes."""
    with Image.open(file) as image:
        image.draft("RGB", (transform.RESIZE, transform.RESIZE))
        ImageOps.exif_transpose(image, in_place=True)
        return to_rgb(image)


def _decode_jpeg(file: Path) -> Any:
    return io.decode_jpeg(io.read_file(str(file)), mode=io.ImageReadMode.RGB)


def _decode_image(file: Path) -> Any:
    return io.decode_image(str(file), mode=io.ImageReadMode.RGB, apply_exif_orientation=True)


DECODERS: dict[str, Decode] = {PILLOW: open_rgb, DRAFT: _open_draft}
"""Functions that map a path to an RGB image, or to uint8 [3, H, W]."""

if hasattr(io, "decode_jpeg"):  # deprecated since torchvision 0.29
    DECODERS |= {TORCHVISION: _decode_jpeg, "torchvision decode_image": _decode_image}


def passes() -> dict[str, Decode]:
    """Return functions that decode a file and prepare it for a target and an encoder."""
    plain = _transforms()
    quick = [fast_transform(each, _IMAGES) for each in plain]

    def prepare(decode: Decode, views: Sequence[Callable[[Any], Tensor]], file: Path) -> None:
        image = decode(file)
        image = image if isinstance(image, Image.Image) else Image.fromarray(_pixels(image))
        for view in views:
            view(image)

    works: dict[str, Decode] = {
        "Pillow, torchvision's transforms": partial(prepare, open_rgb, plain),
        "Pillow, quick views (a pass)": partial(prepare, open_rgb, quick),
    }
    others = {name: DECODERS[name] for name in (DRAFT, TORCHVISION) if name in DECODERS}
    return works | {name: partial(prepare, decode, quick) for name, decode in others.items()}


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

    add("open and read the header", True, is_turned, files)
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
    counts = dict.fromkeys(("files", "equal", "refused", "other_size", "largest"), 0)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for file, (name, decode) in product(files, DECODERS.items()):
        if name == PILLOW:
            kind, expected = kind_of(file), np.asarray(open_rgb(file))
            continue
        row = rows.setdefault((name, kind), {"decoder": name, "kind": kind, **counts})
        row["files"] += 1
        try:
            pixels = _pixels(decode(file))
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
        transform.square_transform(
            transform.SIZE, transform.RESIZE, transform.IMAGENET_MEAN, transform.IMAGENET_STD
        ),
        transform.square_transform(
            transform.SIZE, transform.SIZE, _CLIP_MEAN, _CLIP_STD, "bicubic"
        ),
    )


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
