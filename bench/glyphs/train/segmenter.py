"""Train the segmenter on exact masks, starting from early stages of the shipped encoder.

Masks name every object, including those that no caption names.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as functional

from bench.files import sha256_file
from bench.glyphs.encoder import WEIGHTS as ENCODER_WEIGHTS
from bench.glyphs.encoder import preprocess
from bench.glyphs.planes import PLANES
from bench.glyphs.segmenter import SIZE, load_segmenter
from bench.glyphs.segmenter_net import ARCHITECTURE, SegmenterNet, split_planes, trunk_of_encoder
from bench.glyphs.train.loop import Recipe, Stage, fit, half_arrays
from bench.glyphs.weights import save_arrays

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.glyphs.train.cache import RenderedSplit
    from bench.glyphs.train.regions import Regions

_LOG = logging.getLogger(__name__)

SEGMENTER_RECIPE = Recipe(
    (Stage(64, 96_000), Stage(96, 24_000), Stage(128, 24_000)), 64, 2e-3, seed=15, warm=0.08
)
MARKED = 0.5
"""Weight of the loss over labelled pixels, relative to all pixels: most pixels show no object, and
an uncertain network would predict "none" everywhere."""


def make_loss(
    truth: Regions,
) -> Callable[[torch.Tensor, NDArray[np.int64], np.random.Generator], torch.Tensor]:
    """Build the loss of logits [B, sum of classes, H, W]; see the argument `loss` of `fit`."""

    def loss(
        output: torch.Tensor, index: NDArray[np.int64], rng: np.random.Generator
    ) -> torch.Tensor:
        # Use one pixel of each 2 x 2 per step: a quarter of the cost.
        row, column = (int(v) for v in rng.integers(0, 2, 2))
        wanted = truth.planes(index, output.shape[-1])[:, :, row::2, column::2]
        classes = torch.from_numpy(np.ascontiguousarray(wanted)).to(output.device)
        total = output.new_zeros(())
        for number, logits in enumerate(split_planes(output[:, :, row::2, column::2])):
            each = functional.cross_entropy(logits, classes[:, number], reduction="none")
            marked = classes[:, number] > 0
            over_marked = (each * marked).sum() / marked.sum().clamp(min=1)
            total = total + each.mean() + MARKED * over_marked
        return total

    return loss


def train_segmenter(
    data: RenderedSplit, truth: Regions, out: Path, scratch: Path, device: str = "cpu"
) -> dict[str, Any]:
    """Train the segmenter and write it in float16; as `train_target`.

    Returns:
        Record: architecture, starting weights, cycles (recipes), training images, seconds.
    """
    torch.manual_seed(SEGMENTER_RECIPE.seed)
    model = SegmenterNet()
    # Always the shipped tower: one trained on another machine differs in its last bits.
    model.trunk.load_state_dict(trunk_of_encoder(ENCODER_WEIGHTS), strict=False)
    checkpoint = scratch / "segmenter.1.ckpt"
    loss = make_loss(truth)
    seconds = fit(
        model, data.images, loss, SEGMENTER_RECIPE, checkpoint, device, "segmenter", shift=0
    )
    save_arrays(out / "segmenter.safetensors", half_arrays(model))
    _LOG.info("segmenter trained in %.0f s", seconds)
    return {
        "architecture": ARCHITECTURE,
        "starts_from": {"file": ENCODER_WEIGHTS.name, "sha256": sha256_file(ENCODER_WEIGHTS)},
        "marked_weight": MARKED,
        "images": len(data.images),
        "cycles": [SEGMENTER_RECIPE.record()],
        "seconds": seconds,
    }


@torch.no_grad()
def predict_classes(
    model: torch.nn.Module, images: NDArray[np.uint8], batch: int = 50
) -> NDArray[np.int64]:
    """Return the class of each pixel of images, uint8 [N, 128, 128, 3]: int64 [N, P, 64, 64]."""
    parts = []
    for start in range(0, len(images), batch):
        x = preprocess(torch.from_numpy(np.array(images[start : start + batch])), SIZE)
        planes = [logits.argmax(dim=1) for logits in split_planes(model(x))]
        parts.append(torch.stack(planes, dim=1).numpy())
    return np.concatenate(parts)


def agreement(found: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> dict[str, float]:
    """Measure how well the classes of pixels agree with the truth; class 0 is none.

    Returns:
        ``pixels``: share of all pixels that are correct. ``marked``: the same for labelled pixels.
        ``mean_iou``: mean intersection over union of the labels in truth or prediction (without
        none), over all images at once.
    """
    counts = np.bincount(truth.ravel() * classes + found.ravel(), minlength=classes**2)
    table = counts.reshape(classes, classes).astype(np.float64)
    both = np.diag(table)[1:]
    union = table.sum(axis=1)[1:] + table.sum(axis=0)[1:] - both
    return {
        "pixels": float(np.trace(table) / table.sum()),
        "marked": float(both.sum() / table[1:].sum()),
        "mean_iou": float((both[union > 0] / union[union > 0]).mean()),
    }


def segmenter_scores(
    data: RenderedSplit, truth: Regions, path: Path | None = None
) -> dict[str, float]:
    """Measure the agreement of a segmenter with the truth of the first images.

    Returns:
        ``<category>_pixels, ``<category>_marked`` and ``<category>_mean_iou`` of each plane, in
        0..1 (see ``agreement``).
    """
    count = len(truth.maps)
    found = predict_classes(load_segmenter(path), data.images[:count])
    wanted = truth.planes(np.arange(count))
    return {
        f"{plane.category}_{name}": value
        for at, plane in enumerate(PLANES)
        for name, value in agreement(found[:, at], wanted[:, at], plane.classes).items()
    }
