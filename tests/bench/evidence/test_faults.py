"""What is said of a transform's result that is no network's input, and of a network that fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bench.errors import NetworkError
from bench.evidence.batches import ChunkWork, batches
from bench.networks.execution import Execution
from bench.networks.faults import apply_transform, explain_failure
from bench.networks.loaded import LoadedTarget

IMAGE = Image.new("RGB", (6, 4))


def seen(result: Any) -> torch.Tensor:
    return apply_transform(lambda _image: result, IMAGE, "target", "image 3 (a.png)")


@pytest.mark.parametrize(
    ("result", "found", "hint"),
    [
        (np.zeros((3, 4, 6), "float32"), r"numpy\.ndarray of float32 \[3, 4, 6\]", "from_numpy"),
        (torch.zeros(1, 3, 4, 6), r"float32 \[1, 3, 4, 6\]", "without a batch axis"),
        (torch.zeros(3, 4, 6, dtype=torch.uint8), r"uint8 \[3, 4, 6\]", "values of 0 to 1"),
        (torch.zeros(3, 4, 6, dtype=torch.float64), r"float64 \[3, 4, 6\]", r"\.float\(\)"),
        (torch.zeros(4, 6), r"float32 \[4, 6\]", r"float32 tensor \[3, H, W\]"),
        (IMAGE, "a value of type PIL.Image.Image", r"ToTensor\(\)"),
        (
            {"pixel_values": torch.zeros(1, 3, 4, 6)},
            "a value of type dict",
            r"float32 tensor \[3, H, W\]",
        ),
        (None, "a value of type NoneType", r"float32 tensor \[3, H, W\]"),
    ],
)
def test_a_result_that_is_no_input_is_described(result: Any, found: str, hint: str) -> None:
    with pytest.raises(NetworkError, match=rf"turns image 3 \(a\.png\) into .*{found}") as caught:
        seen(result)
    assert caught.match(hint)


def test_what_is_an_input_passes() -> None:
    tensor = torch.rand(3, 4, 6)
    assert seen(tensor) is tensor


@pytest.mark.parametrize("error", [KeyError("size"), SystemExit(1), AssertionError()])
def test_a_transform_that_raises(error: BaseException) -> None:
    def transform(_image: Image.Image) -> torch.Tensor:
        raise error

    with pytest.raises(NetworkError, match=f"fails on image 0: {type(error).__name__}"):
        apply_transform(transform, IMAGE, "target", "image 0")


class Probe:
    files = ("small.png", "wide.png", "small too.png")

    def image(self, index: int) -> Image.Image:
        return Image.new("RGB", (9 if index == 1 else 6, 4))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_images_of_several_sizes_are_named(batch_size: int) -> None:
    target = LoadedTarget(nn.Identity(), lambda image: torch.zeros(3, image.height, image.width))
    work = ChunkWork(0, range(3), frozenset({"layer"}))
    with pytest.raises(NetworkError, match="several sizes") as caught:
        list(batches([work], Probe(), target, None, Execution(batch_size=batch_size, workers=0)))  # type: ignore[arg-type]
    assert "[3, 4, 6] for image 0 (small.png)" in caught.value.what
    assert "[3, 4, 9] for image 1 (wide.png)" in caught.value.what
    assert "CenterCrop" in caught.value.hint


class TwoInputs(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return x + scale * y


def fault(module: nn.Module, batch: torch.Tensor) -> NetworkError:
    try:
        module(batch)
    except Exception as error:
        return explain_failure(module, batch.shape, error)
    raise AssertionError("it runs")


def test_a_network_that_fails_is_explained() -> None:
    two = fault(TwoInputs(), torch.zeros(2, 3, 8, 8))
    assert "its forward takes 2 inputs (x, y)" in two.what
    last = fault(nn.Conv2d(3, 1, 1), torch.zeros(2, 8, 8, 3))
    assert "[2, 8, 8, 3]" in last.what
    assert "channels last" in last.hint
    small = fault(nn.Conv2d(3, 1, 9), torch.zeros(2, 3, 8, 8))
    assert small.what.startswith("the network fails on a batch [2, 3, 8, 8]: RuntimeError: ")
    assert "target.params.input_size" in small.hint
