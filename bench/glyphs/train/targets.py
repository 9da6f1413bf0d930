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
from bench.glyphs.weights import TARGETS, load_state, load_target, pack_target, save_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.glyphs.train.cache import RenderedSplit

_LOG = logging.getLogger(__name__)
_SMOOTHING = 0.05

_FIRST = (Stage(48, 96_000), Stage(64, 64_000), Stage(96, 20_000), Stage(128, 12_000))
_SECOND = (Stage(96, 32_000), Stage(128, 36_000))
_SCENES = (Stage(48, 24_000), Stage(64, 12_000), Stage(128, 6_000))

CYCLES: dict[str, tuple[Recipe, ...]] = {
    "objects": (
        Recipe(_FIRST, 128, 2e-3, seed=11, warm=0.08),
        Recipe(_SECOND, 64, 1.2e-3, seed=21, warm=0.05),
    ),
    "scenes": (Recipe(_SCENES, 64, 2e-3, seed=12, warm=0.08),),
    "resnet50_objects": (
        Recipe(_FIRST, 128, 1.5e-3, seed=13, warm=0.08),
        Recipe(_SECOND, 64, 1e-3, seed=23, warm=0.05),
    ),
}
"""Recipes of each target, in order. Objects take a second cycle at the larger sizes: one cycle that
ends at 128 px with a tiny rate is too short for many similar objects."""


def labels(data: RenderedSplit, part: str) -> NDArray[np.int64]:
    """Return the true class of each image for a part."""
    return data.scenes if part == "scenes" else data.objects


def class_loss(
    truth: NDArray[np.int64], device: str
) -> Callable[[torch.Tensor, NDArray[np.int64], np.random.Generator], torch.Tensor]:
    """Return cross-entropy with smoothed labels; see the argument `loss` of `fit`.

    Args:
        truth: Class of each training image [N].
        device: torch device of the logits.
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
    part: str,
    data: RenderedSplit,
    out: Path,
    scratch: Path,
    device: str = "cpu",
    *,
    cycles: Sequence[Recipe] = (),
    name: str = "",
) -> dict[str, Any]:
    """Train a target (a key of ``CYCLES``) and write ``<part>.safetensors``.

    Args:
        part: The target.
        data: The rendered training split.
        out: Folder of shipped weights.
        scratch: Folder for checkpoints, and for weights that are not shipped.
        device: torch device.
        cycles: Other recipes than those of ``CYCLES``.
        name: Name of the file instead of the part's.

    Returns:
        Record: architecture, cycles (recipes), training images, seconds.
    """
    cycles, name = cycles or CYCLES[part], name or part
    torch.manual_seed(cycles[0].seed)
    architecture = _architecture(part)
    model = _build(part)
    loss = class_loss(labels(data, part), device)
    seconds = 0.0
    for number, cycle in enumerate(cycles, start=1):
        checkpoint = scratch / f"{name}.{number}.ckpt"
        seconds += fit(model, data.images, loss, cycle, checkpoint, device, name)
    state = {key: value.cpu().numpy() for key, value in model.state_dict().items()}
    if part in TARGETS:
        seed = {} if name == part else {"seed": str(cycles[0].seed)}
        save_arrays(out / f"{name}.safetensors", pack_target(state), seed)
    else:
        save_arrays(scratch / f"{name}.safetensors", state)
    _LOG.info("%s trained in %.0f s", name, seconds)
    return {
        "architecture": architecture,
        "images": len(data.images),
        "label_smoothing": _SMOOTHING,
        "cycles": [cycle.record() for cycle in cycles],
        "seconds": seconds,
    }


@torch.no_grad()
def logits(model: torch.nn.Module, images: NDArray[np.uint8], batch: int = 100) -> torch.Tensor:
    """Return a network's outputs for images, uint8 [N, 128, 128, 3]: float32 [N, classes]."""
    parts = (
        torch.from_numpy(np.array(images[i : i + batch])) for i in range(0, len(images), batch)
    )
    return torch.cat([model(preprocess(part, 128)) for part in parts])


def accuracy(part: str, data: RenderedSplit, path: Path) -> float:
    """Return the share of images, in 0..1, that a trained target classifies correctly."""
    if part in TARGETS:
        model = load_target(part, path)
    else:
        model = _build(part)
        load_state(model, load_file(path), part)
    predicted = logits(model.eval(), data.images).argmax(dim=1).numpy()
    return float((predicted == labels(data, part)).mean())


def _build(part: str) -> torch.nn.Module:
    classes = len(TARGETS["scenes" if part == "scenes" else "objects"][1])
    model: torch.nn.Module = torchvision.models.get_model(_architecture(part), num_classes=classes)
    return model


def _architecture(part: str) -> str:
    return TARGETS[part][0] if part in TARGETS else part.partition("_")[0]
