"""Train the target networks from scratch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file

from bench.glyphs.encoder import preprocess
from bench.glyphs.train.loop import Recipe, Stage, fit
from bench.glyphs.weights import TARGETS, load_target, pack_target, save_arrays

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.glyphs.train.cache import RenderedSplit

_LOG = logging.getLogger(__name__)
_SMOOTHING = 0.05

RECIPES: dict[str, Recipe] = {
    "objects": Recipe(
        (Stage(48, 96_000), Stage(64, 64_000), Stage(96, 20_000), Stage(128, 12_000)),
        batch=128,
        rate=2e-3,
        decay=0.05,
        adam=True,
        seed=11,
        warm=0.08,
    ),
    "scenes": Recipe(
        (Stage(48, 24_000), Stage(64, 12_000), Stage(128, 6_000)),
        batch=64,
        rate=2e-3,
        decay=0.05,
        adam=True,
        seed=12,
        warm=0.08,
    ),
    "resnet50_objects": Recipe(
        (Stage(48, 96_000), Stage(64, 64_000), Stage(96, 20_000), Stage(128, 12_000)),
        batch=128,
        rate=1.5e-3,
        decay=0.05,
        adam=True,
        seed=13,
        warm=0.08,
    ),
}
"""Training settings of each target, on the split ``train``."""

_SECOND = (Stage(96, 32_000), Stage(128, 36_000))
SECOND_CYCLES: dict[str, Recipe] = {
    "objects": Recipe(_SECOND, batch=64, rate=1.2e-3, decay=0.05, adam=True, seed=21, warm=0.05),
    "resnet50_objects": Recipe(
        _SECOND, batch=64, rate=1e-3, decay=0.05, adam=True, seed=23, warm=0.05
    ),
}
"""A second cycle at the larger sizes: one cycle that ends at 128 px with a tiny rate is too short
for the many similar objects."""


def cycles_of(part: str) -> list[Recipe]:
    """Return the recipes of a target, in order."""
    return [RECIPES[part], *([SECOND_CYCLES[part]] if part in SECOND_CYCLES else [])]


def labels(data: RenderedSplit, part: str) -> NDArray[np.int64]:
    """Return the true class of each image for a part."""
    return data.scenes if part == "scenes" else data.objects


def class_loss(
    truth: NDArray[np.int64], device: str
) -> Callable[[torch.Tensor, NDArray[np.int64], np.random.Generator], torch.Tensor]:
    """Return the loss of a classifier: cross-entropy with smoothed labels.

    Args:
        truth: Class of each training image [N].
        device: torch device of the logits.

    Returns:
        Function (logits [B, classes], indices [B], generator) -> scalar.
    """
    classes = torch.from_numpy(truth).to(device)
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=_SMOOTHING)

    def loss(
        output: torch.Tensor, index: NDArray[np.int64], _: np.random.Generator
    ) -> torch.Tensor:
        value: torch.Tensor = criterion(output, classes[torch.from_numpy(index).to(device)])
        return value

    return loss


def train_target(
    part: str, data: RenderedSplit, out: Path, scratch: Path, device: str = "cpu"
) -> dict[str, Any]:
    """Train one target and writes its weights.

    Args:
        part: A key of ``RECIPES``.
        data: The rendered training split.
        out: Folder for ``<part>.safetensors``.
        scratch: Folder for the checkpoint.
        device: torch device.

    Returns:
        Record: architecture, cycles (recipes), training images, seconds.
    """
    recipe = RECIPES[part]
    torch.manual_seed(recipe.seed)
    architecture = _architecture(part)
    classes = len(TARGETS["scenes" if part == "scenes" else "objects"][1])
    model = torchvision.models.get_model(architecture, num_classes=classes)
    loss = class_loss(labels(data, part), device)
    cycles = cycles_of(part)
    seconds = 0.0
    for number, cycle in enumerate(cycles, start=1):
        checkpoint = scratch / f"{part}.{number}.ckpt"
        seconds += fit(model, data.images, loss, cycle, checkpoint, device, part)
    state = {key: value.cpu().numpy() for key, value in model.state_dict().items()}
    if part in TARGETS:
        save_arrays(out / f"{part}.safetensors", pack_target(state))
    else:
        save_arrays(scratch / f"{part}.safetensors", state)
    _LOG.info("%s trained in %.0f s", part, seconds)
    return {
        "architecture": architecture,
        "images": len(data.images),
        "label_smoothing": _SMOOTHING,
        "cycles": [cycle.record() for cycle in cycles],
        "seconds": seconds,
    }


@torch.no_grad()
def logits(model: torch.nn.Module, images: NDArray[np.uint8], batch: int = 100) -> torch.Tensor:
    """Return a target's outputs for images at 128 pixels.

    Args:
        model: The network in evaluation mode.
        images: uint8 [N, 128, 128, 3].
        batch: Images per batch.

    Returns:
        float32 [N, classes], before any softmax.
    """
    return torch.cat(
        [
            model(preprocess(torch.from_numpy(np.array(images[i : i + batch])), 128))
            for i in range(0, len(images), batch)
        ]
    )


def accuracy(part: str, data: RenderedSplit, path: Path | None = None) -> float:
    """Return the share of images that a shipped target classifies correctly.

    Args:
        part: A key of ``RECIPES``.
        data: Rendered images with their truth.
        path: Weights; None for the shipped file.

    Returns:
        Accuracy in 0..1.
    """
    model = load_target(part, path) if part in TARGETS else _load_unshipped(part, path)
    predicted = logits(model, data.images).argmax(dim=1).numpy()
    return float((predicted == labels(data, part)).mean())


def _load_unshipped(part: str, path: Path | None) -> torch.nn.Module:
    if path is None:
        message = f"the weights of {part} are not shipped; pass their file"
        raise ValueError(message)
    model: torch.nn.Module = torchvision.models.get_model(
        _architecture(part), num_classes=len(TARGETS["objects"][1])
    )
    model.load_state_dict(load_file(path))
    return model.eval()


def _architecture(part: str) -> str:
    return TARGETS[part][0] if part in TARGETS else part.partition("_")[0]
