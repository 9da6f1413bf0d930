"""The quick way to a network's input gives the very numbers of the plain one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from bench.evidence import Store, fast_transforms
from bench.evidence.fast_transforms import FastTransform, fast_transform
from bench.evidence.resample import resample
from bench.parts.targets.transform import square_transform
from tests.bench.evidence.tiny import TinyTarget, run

NORM = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SIZES = [(500, 375), (375, 500), (64, 64), (63, 200), (31, 32), (33, 32), (800, 90), (1, 1), (2, 3)]
SIZES += [(30, 47), (47, 30)]  # one side has the squashed size already
TRANSFORMS = {
    "bilinear": square_transform(28, 32, *NORM),
    "odd crop": square_transform(27, 40, *NORM, "bicubic"),
    "squashed": square_transform(30, 0, *NORM),
    "ImageClassification": ImageClassification(crop_size=24, resize_size=32),
    "open_clip": image_transform_v2(PreprocessCfg(size=32), is_train=False),
    "open_clip squashed": image_transform_v2(
        PreprocessCfg(size=32, resize_mode="squash", interpolation="bilinear"), is_train=False
    ),
    "timm": transforms.Compose(
        [
            transforms.Resize(35, InterpolationMode.BICUBIC),
            transforms.CenterCrop((32, 30)),
            transforms.ToTensor(),
            transforms.Normalize(torch.tensor(NORM[0]), torch.tensor(NORM[1])),
        ]
    ),
    "no crop": transforms.Compose([transforms.Resize(20), transforms.ToTensor()]),
}


def picture(size, seed=0):
    """Noise, and pure black and white, where a filter overshoots."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels[: size[1] // 2] = np.where(pixels[: size[1] // 2] > 127, 255, 0)
    return Image.fromarray(pixels)


@pytest.fixture(autouse=True)
def _not_quietly_plain(monkeypatch):
    monkeypatch.setattr(FastTransform, "agrees", True)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_number_is_the_plain_ones(name):
    plain = TRANSFORMS[name]
    quick = fast_transform(plain, 10**6)
    assert isinstance(quick, FastTransform)
    for seed, size in enumerate(SIZES):
        image = picture(size, seed)
        found, expected = quick(image), plain(image)
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected), size


def rows_first(image, size):
    """Pillow's rule from 13.0 on; before, rows always come first."""
    return image.height - size[0] <= max(0, 2 * (image.width - size[1]))


@pytest.mark.parametrize("cubic", [False, True])
def test_resampling_is_pillows_own(cubic):
    way = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    levels = np.arange(256, dtype=np.float32)[None].repeat(3, axis=0)
    random = np.random.default_rng(1)
    compared = 0
    for _ in range(60):
        width, height, wide, high = (int(n) for n in random.integers(1, 90, 4))
        image = picture((width, height), int(random.integers(1000)))
        if not rows_first(image, (high, wide)):
            continue
        compared += 1
        top, left = int(random.integers(high)), int(random.integers(wide))
        result = np.empty((3, high - top, wide - left), np.float32)
        resample(np.asarray(image), (high, wide), (top, left), cubic, levels, result)
        expected = np.asarray(image.resize((wide, high), way))[top:, left:]
        np.testing.assert_array_equal(result.transpose(1, 2, 0), expected)
    assert compared > 30


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
def test_other_modes_go_the_plain_way(mode):
    plain = transforms.Compose([transforms.Resize(20), transforms.ToTensor()])
    image = picture((50, 40)).convert(mode)
    assert torch.equal(fast_transform(plain, 10**6)(image), plain(image))


@pytest.mark.parametrize(
    "steps",
    [
        [transforms.Resize(20), transforms.CenterCrop(24), transforms.ToTensor()],
        [transforms.Resize(20, InterpolationMode.NEAREST), transforms.ToTensor()],
        [transforms.Resize(20, max_size=30), transforms.ToTensor()],
        [transforms.Resize(20), transforms.ToTensor(), transforms.RandomErasing()],
        [transforms.Resize(20), transforms.ToTensor(), lambda x: x.flip(1)],
        [transforms.CenterCrop(20), transforms.Resize(10), transforms.ToTensor()],
        [transforms.Resize(20)],
    ],
)
def test_what_is_not_understood_stays_as_it_is(steps):
    plain = transforms.Compose(steps)
    assert fast_transform(plain, 10**6) is plain


def test_few_images_and_own_functions_go_the_plain_way():
    def own(image):
        return torch.zeros(3, 2, 2)

    assert fast_transform(own, 10**6) is own
    plain = TRANSFORMS["bilinear"]
    assert fast_transform(plain, 10) is plain


def test_the_trial(monkeypatch):
    monkeypatch.undo()
    plain = TRANSFORMS["bilinear"]
    quick = fast_transform(plain, 10**6)
    assert quick.agrees

    def rounds_otherwise(pixels, size, corner, cubic, table, result):
        resample(pixels, size, corner, cubic, table, result)
        result[0, 0, 0] += 1e-6

    monkeypatch.setattr("bench.evidence.resample.resample", rounds_otherwise)
    other = fast_transform(plain, 10**6)
    image = picture((90, 70))
    assert torch.equal(other(image), plain(image))
    assert not other.agrees


def test_an_image_of_the_right_size_is_not_resized(monkeypatch):
    monkeypatch.setattr("bench.evidence.resample.resample", None)
    for name, size in {"bilinear": (32, 50), "squashed": (30, 30), "no crop": (41, 20)}.items():
        image = picture(size)
        assert torch.equal(fast_transform(TRANSFORMS[name], 10**6)(image), TRANSFORMS[name](image))


@dataclass(frozen=True)
class Resizing(TinyTarget):
    def load(self, device):
        return replace(super().load(device), transform=square_transform(7, 8, *NORM))


@pytest.mark.usefixtures("small_chunks")
def test_a_pass_takes_the_quick_way_to_the_same_bytes(monkeypatch):
    def gathered():
        return run(Store(None), ["conv"], target=Resizing()).activations("conv")

    plain = gathered()
    seen = []
    real = FastTransform._transform
    monkeypatch.setattr(FastTransform, "_transform", lambda *given: seen.append(1) or real(*given))
    monkeypatch.setattr(fast_transforms, "_MIN_IMAGES", 30)
    assert torch.equal(gathered(), plain)
    assert len(seen) == 30
