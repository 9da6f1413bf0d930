"""The shipped weights: int8 targets with per-channel scales, a float16 image tower, and the card.

Importing this module does not import torch; quantisation is pure NumPy.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.files import atomic_path
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
_COUNTER = "num_batches_tracked"
State = dict[str, NDArray[Any]]


def quantise(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a weight [O, ...] to int8, with one scale per output channel.

    Returns:
        int8 of the same shape, and scales [O]; the error is at most half a scale.
    """
    flat = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    scale = np.where(flat > 0, flat / 127, 1).astype(np.float32)
    return np.clip(np.rint(weight / _by_channel(scale, weight)), -127, 127).astype(np.int8), scale


def dequantise(weight: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undo ``quantise`` up to rounding."""
    return weight.astype(np.float32) * _by_channel(scale, weight)


def _by_channel(scale: NDArray[np.float32], weight: NDArray[Any]) -> NDArray[np.float32]:
    return scale.reshape(-1, *[1] * (weight.ndim - 1))


def save_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file whole or not at all; drop batch counters."""
    from safetensors.numpy import save_file

    kept = {key: value for key, value in arrays.items() if not key.endswith(_COUNTER)}
    with atomic_path(path) as part:
        save_file(
            {key: np.ascontiguousarray(value) for key, value in kept.items()},
            str(part),
            dict(metadata) if metadata else None,
        )


def pack_target(state: Mapping[str, NDArray[Any]]) -> State:
    """Quantise a state dict: matrices and kernels to int8, the rest to float32.

    Returns:
        Stored arrays: ``name`` as int8 and ``name.scale``; other arrays as float32.
    """
    packed: State = {}
    for name, value in state.items():
        if name.endswith(_COUNTER):
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
    """Return the path of a shipped target's weights, a safetensors file in gzip's format.

    Raises:
        ValueError: There is no such target.
    """
    if name not in TARGETS:
        message = f"no Glyphs target {name!r}; valid: {', '.join(TARGETS)}"
        raise ValueError(message)
    return FOLDER / f"{name}.safetensors.gz"


def read_shipped(file: Path) -> bytes:
    """Return the content of a shipped safetensors file in gzip's format."""
    return gzip.decompress(file.read_bytes())


@cache
def sha256_shipped(file: Path) -> str:
    """Return the sha256 of a shipped file's content."""
    return hashlib.sha256(read_shipped(file)).hexdigest()


def target_state(name: str, path: Path | None = None) -> dict[str, NDArray[np.float32]]:
    """Read a target's weights by parameter name, as they were after quantisation.

    Args:
        name: ``objects`` or ``scenes``.
        path: Weights; None for the shipped file.

    Raises:
        ValueError: There is no such target.
    """
    from safetensors.numpy import load, load_file

    return unpack_target(load_file(path) if path else load(read_shipped(target_path(name))))


def target_seed(path: Path) -> int | None:
    """Read the seed from a file that `bench.glyphs.train.seeds` wrote; None if it has none."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        seed: str | None = (file.metadata() or {}).get("seed")
    return None if seed is None else int(seed)


def load_target(name: str, path: Path | None = None) -> torch.nn.Module:
    """Build a target with its weights; as `target_state`.

    Returns:
        The torchvision network in float32 and evaluation mode. It takes [B, 3, 128, 128],
        values in 0..1 normalised with ``MEAN`` and ``STD``.
    """
    return _build_target(name, path) if path else deepcopy(_shipped_target(name))


@cache
def _shipped_target(name: str) -> torch.nn.Module:
    """Build a shipped target once in a process: a run loads it several times."""
    return _build_target(name, None)


def _build_target(name: str, path: Path | None) -> torch.nn.Module:
    import torch
    import torchvision

    state = target_state(name, path)
    architecture, classes = TARGETS[name]
    model: torch.nn.Module = torchvision.models.get_model(architecture, num_classes=len(classes))
    load_state(model, {key: torch.from_numpy(np.array(v)) for key, v in state.items()}, name)
    return model.eval()


def load_state(model: torch.nn.Module, state: Mapping[str, torch.Tensor], what: str) -> None:
    """Load tensors into a network in float32; they may lack batch counters.

    Raises:
        ValueError: They do not fit the network, named `what` in the message.
    """
    floats = {key: value.float() for key, value in state.items()}
    missing, unexpected = model.load_state_dict(floats, strict=False)
    missing = [key for key in missing if not key.endswith(_COUNTER)]
    if missing or unexpected:
        raise ValueError(f"{what}: missing {missing}, unexpected {unexpected}")


def read_tower(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    """Read the tensors of the encoder's file below a prefix such as ``visual.trunk.``."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    return {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}


def card() -> dict[str, Any]:
    """Return the model card's data (``card.json``): recipe, accuracies and hashes by part."""
    loaded: dict[str, Any] = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    return loaded
