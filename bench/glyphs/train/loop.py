"""The training loop of all parts: stages of growing image size, resumable, on CPU or GPU."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from tqdm import tqdm

from bench.files import atomic_path
from bench.glyphs.encoder import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SHIFT = 6
"""Default of the largest shift of a batch, in pixels of 128."""

_SAVE_EVERY_S = 120.0


class Images(Protocol):
    """An array of images: a length, and uint8 [B, S, S, 3] for sorted indices."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, index: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """Return the images at these indices."""


@dataclass(frozen=True)
class Stage:
    """A part of a training run at one image size.

    Attributes:
        size: Side of the images in pixels.
        images: Number of presented images, over all epochs.
    """

    size: int
    images: int


@dataclass(frozen=True)
class Recipe:
    """Training settings of a part.

    Attributes:
        stages: Image sizes, in order; cheap small ones first.
        batch: Images per step.
        rate: Peak learning rate of the one-cycle schedule.
        decay: Weight decay, on weights of two or more dimensions only.
        adam: AdamW instead of SGD with Nesterov momentum 0.9.
        seed: Seed of the initial weights, the order and the augmentation.
        warm: Share of the steps over which the rate rises.
    """

    stages: tuple[Stage, ...]
    batch: int
    rate: float
    decay: float = 0.05
    adam: bool = True
    seed: int = 0
    warm: float = 0.15

    def record(self) -> dict[str, Any]:
        """Return the recipe as plain data."""
        return asdict(self)


def _rate(recipe: Recipe, share: float) -> float:
    if share < recipe.warm:
        return recipe.rate * (0.05 + 0.95 * share / recipe.warm)
    rest = (share - recipe.warm) / (1 - recipe.warm)
    return recipe.rate * max(0.002, 0.5 * (1 + math.cos(math.pi * rest)))


def _optimiser(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.adam:
        return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98), fused=True)
    return torch.optim.SGD(groups, lr=recipe.rate, momentum=0.9, nesterov=True)


def _augment(images: NDArray[np.uint8], rng: np.random.Generator, shift: int) -> NDArray[np.uint8]:
    """Shift a whole batch by a few pixels; the world already mirrors and rotates objects."""
    dx, dy = (int(v) for v in rng.integers(-shift, shift + 1, 2))
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="edge")
    top, left, side = shift + dy, shift + dx, images.shape[1]
    return np.ascontiguousarray(padded[:, top : top + side, left : left + side])


def _save(path: Path, state: dict[str, Any]) -> None:
    with atomic_path(path) as part:
        torch.save(state, part)


def fit(
    model: torch.nn.Module,
    images: Images,
    loss: Callable[[torch.Tensor, NDArray[np.int64], np.random.Generator], torch.Tensor],
    recipe: Recipe,
    checkpoint: Path,
    device: str = "cpu",
    name: str = "part",
    shift: int = SHIFT,
) -> float:
    """Train a model in place; continue from the checkpoint file if there is one.

    Args:
        model: Maps [B, 3, S, S] to whatever ``loss`` takes.
        images: uint8 [N, 128, 128, 3].
        loss: Maps the model's float32 output, the batch's indices and a generator to a scalar.
        recipe: Training settings.
        checkpoint: File of the state of an unfinished run.
        device: torch device.
        name: Title of the progress bar.
        shift: Largest shift of images in pixels; 0 if the truth depends on positions.

    Returns:
        Seconds of training, over all resumptions.
    """
    model.to(device=device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = _optimiser(model, recipe)
    plan = [s.size for s in recipe.stages for _ in range(s.images // recipe.batch)]
    begin, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        if state["recipe"] == str(recipe):
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            begin, spent = state["step"], state["spent"]
    per_epoch = len(images) // recipe.batch
    started = saved = time.perf_counter()
    order = np.zeros(0, dtype=np.int64)
    bar = tqdm(range(begin, len(plan)), initial=begin, total=len(plan), desc=name, mininterval=5)
    smoothed = 0.0
    for step in bar:
        epoch, at = divmod(step, per_epoch)
        if at == 0 or len(order) == 0:
            order = np.random.default_rng((recipe.seed, epoch)).permutation(len(images))
        rng = np.random.default_rng((recipe.seed, 1, step))
        index = np.sort(order[at * recipe.batch : (at + 1) * recipe.batch])
        batch = torch.from_numpy(_augment(images[index], rng, shift)).to(device)
        for group in optimiser.param_groups:
            group["lr"] = _rate(recipe, step / len(plan))
        x = preprocess(batch, plan[step]).contiguous(memory_format=torch.channels_last)
        x = x * float(rng.uniform(0.85, 1.15)) + float(rng.uniform(-0.15, 0.15))
        with torch.autocast(device.split(":")[0], torch.bfloat16):
            output = model(x)
        value = loss(output.float(), index, rng)
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        now_lost = float(value.detach())
        smoothed = now_lost if step == begin else 0.98 * smoothed + 0.02 * now_lost
        bar.set_postfix(loss=f"{smoothed:.3f}", size=plan[step], refresh=False)
        now = time.perf_counter()
        if now - saved > _SAVE_EVERY_S or step == len(plan) - 1:
            saved = now
            states = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
            done = {"step": step + 1, "spent": spent + now - started, "recipe": str(recipe)}
            _save(checkpoint, {**states, **done})
    model.eval()
    return spent + time.perf_counter() - started


def half_arrays(model: torch.nn.Module) -> dict[str, NDArray[Any]]:
    """Return a network's tensors in float16 by name."""
    return {key: value.cpu().half().numpy() for key, value in model.state_dict().items()}
