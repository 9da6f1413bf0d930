"""The shipped weights: int8 targets with per-channel scales, a float16 image tower, and the card.

Importing this module does not import torch; quantisation is pure NumPy.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.vocabulary import OBJECTS, SCENES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

FOLDER = Path(__file__).parent / "weights"
MEAN = (0.48, 0.46, 0.42)
"""Channel means of the targets' inputs, for values in 0..1."""
STD = (0.28, 0.27, 0.28)
"""Channel deviations of the targets' inputs."""

TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "objects": ("resnet18", tuple(entry.name for entry in OBJECTS)),
    "scenes": ("resnet18", tuple(entry.name for entry in SCENES)),
}
"""Architecture (a torchvision name) and true names of the final units of shipped targets."""

_SCALE = ".scale"
State = dict[str, NDArray[Any]]


def quantise(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a weight to int8, with one scale per output channel.

    Args:
        weight: Array [O, ...] of at least two dimensions.

    Returns:
        int8 of the same shape, and scales [O]; the error is at most half a scale.
    """
    flat = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    scale = np.where(flat > 0, flat / 127, 1).astype(np.float32)
    shaped = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(weight / shaped), -127, 127).astype(np.int8), scale


def dequantise(weight: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undo ``quantise`` up to rounding.

    Args:
        weight: int8 [O, ...].
        scale: Scales [O].

    Returns:
        float32 of the same shape.
    """
    shaped = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return weight.astype(np.float32) * shaped


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a safetensors file whole or not at all."""
    from safetensors.numpy import save_file

    part = path.with_name(f"{path.name}.part{os.getpid()}")
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, str(part))
    part.replace(path)


def pack_target(state: Mapping[str, NDArray[Any]]) -> State:
    """Quantise a state dict: matrices and kernels to int8, the rest to float32.

    Args:
        state: Arrays by parameter name; batch counters are dropped.

    Returns:
        Stored arrays: ``name`` as int8 and ``name.scale``; other arrays as float32.
    """
    packed: State = {}
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if value.ndim >= 2:
            packed[name], packed[name + _SCALE] = quantise(value.astype(np.float32))
        else:
            packed[name] = value.astype(np.float32)
    return packed


def unpack_target(packed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Undo ``pack_target``: float32 arrays by parameter name."""
    return {
        name: dequantise(value, packed[name + _SCALE]) if name + _SCALE in packed else value
        for name, value in packed.items()
        if not name.endswith(_SCALE)
    }


def target_path(name: str) -> Path:
    """Return the path of a shipped target's weights.

    Args:
        name: ``objects`` or ``scenes``.

    Returns:
        The safetensors file.

    Raises:
        ValueError: There is no such target.
    """
    if name not in TARGETS:
        message = f"no Glyphs target {name!r}; valid: {', '.join(TARGETS)}"
        raise ValueError(message)
    return FOLDER / f"{name}.safetensors"


def target_state(name: str, path: Path | None = None) -> dict[str, NDArray[np.float32]]:
    """Read a target's weights, as they were after quantisation.

    Args:
        name: ``objects`` or ``scenes``.
        path: Weights; None for the shipped file.

    Returns:
        float32 arrays by parameter name of the torchvision architecture.

    Raises:
        ValueError: There is no such target.
    """
    from safetensors.numpy import load_file

    return unpack_target(load_file(str(path or target_path(name))))


def load_target(name: str, path: Path | None = None) -> torch.nn.Module:
    """Build a target with its shipped weights.

    Args:
        name: ``objects`` or ``scenes``.
        path: Weights; None for the shipped file.

    Returns:
        The torchvision network in float32 and evaluation mode. It takes [B, 3, 128, 128],
        values in 0..1 normalised with ``MEAN`` and ``STD``.

    Raises:
        ValueError: There is no such target.
    """
    import torch
    import torchvision

    state = target_state(name, path)
    architecture, classes = TARGETS[name]
    model: torch.nn.Module = torchvision.models.get_model(architecture, num_classes=len(classes))
    loaded = {key: torch.from_numpy(np.array(value)) for key, value in state.items()}
    missing, unexpected = model.load_state_dict(loaded, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        message = f"{name}: missing {missing}, unexpected {unexpected}"
        raise ValueError(message)
    return model.eval()


def card() -> dict[str, Any]:
    """Return the model card's data (``card.json``): recipe, accuracies and hashes by part."""
    loaded: dict[str, Any] = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    return loaded
