"""Weights from a file: safetensors or PyTorch's own format, without running what is in it."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep the state dict of a checkpoint."""

PREFIX = "module."
"""What DataParallel puts before every name."""

_SHOWN = 4

_UNUSED_IN_EVAL = ("aux", "AuxLogits")
"""Auxiliary classifiers of the Inception family: used in training alone, absent in many files."""


def read_state_dict(file: Path, where: str) -> dict[str, Tensor]:
    """Read named tensors.

    Args:
        file: `.safetensors`, or anything that `torch.load(weights_only=True)` reads; a checkpoint
            that wraps its state dict is unwrapped, the prefix of DataParallel dropped.
        where: The field that the path was given in, for messages.

    Raises:
        UserError: The file is damaged, unsafe to load, or holds no state dict.
    """
    import torch

    loaded: Any
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded = load_file(file)
        else:
            loaded = _unpickle(file)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{file} holds more than tensors, or is damaged; running its code is refused",
            where=where,
            cure="save the state dict alone: torch.save(model.state_dict(), FILE)",
        ) from error
    except Exception as error:  # each format has errors of its own
        raise UserError(f"cannot read weights from {file}: {error}", where=where) from error
    for name in WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
    if not isinstance(loaded, Mapping) or not any(torch.is_tensor(v) for v in loaded.values()):
        raise UserError(
            f"{file} holds no state dict (a mapping from names to tensors)",
            where=where,
            cure="save it with torch.save(model.state_dict(), FILE) or safetensors",
        )
    tensors = {str(name): value for name, value in loaded.items() if torch.is_tensor(value)}
    if all(name.startswith(PREFIX) for name in tensors):
        tensors = {name.removeprefix(PREFIX): value for name, value in tensors.items()}
    return tensors


def is_auxiliary(name: str) -> bool:
    """Whether a module or tensor belongs to a head that only training uses."""
    return name.startswith(_UNUSED_IN_EVAL)


def _unpickle(file: Path) -> Any:
    """What a file of PyTorch's holds: tensors, numbers, texts and containers of these.

    Files of PyTorch's first years (the Places365 networks') may come from Python 2. Its texts are
    bytes, which PyTorch takes for UTF-8; those that are not, such as the bytes of a NumPy number,
    are decoded as Latin-1, as the Places365 authors' script does: no byte is refused, and the names
    of tensors are ASCII either way. Nothing in the file is run in either case.
    """
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, UnicodeDecodeError):
        allowed = getattr(torch.serialization, "safe_globals", None)  # from PyTorch 2.5
        if allowed is None:
            raise
    with allowed(_numpy_numbers()), warnings.catch_warnings():
        # PyTorch warns that an encoding plays no part here; that of byte strings does.
        warnings.filterwarnings("ignore", message="pickle_load_args")
        return torch.load(file, map_location="cpu", weights_only=True, encoding="latin1")


def _numpy_numbers() -> list[Any]:
    """What NumPy's single numbers unpickle through.

    Old training scripts keep the best accuracy as one beside the weights. These callables make a
    number from bytes and run nothing else, so a file may name them.
    """
    import numpy as np

    scalar: Any = type(np.float64(0)).__reduce__(np.float64(0))[0]
    kinds = {type(np.dtype(code)) for code in "?bhilqBHILQefd"}
    # Older releases of NumPy, and so older files, know the function by another module's name.
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [*((scalar, name) for name in names), (np.dtype, "numpy.dtype"), *kinds]


def load_into(module: nn.Module, tensors: Mapping[str, Tensor], *, what: str, where: str) -> None:
    """Fill a module from a state dict, every tensor of it and nothing else.

    Args:
        module: The network to fill.
        tensors: Named tensors.
        what: What the module is ("torchvision's resnet18"), for the message.
        where: The field that the file was given in.

    Raises:
        UserError: Names are missing or unexpected, or shapes differ; says which.
    """
    own = module.state_dict()
    unused = {name for name in own if is_auxiliary(name)}
    # Counters of batch norm came late to PyTorch and do nothing in eval mode.
    unused |= {name for name in own if name.endswith("num_batches_tracked")}
    faults = []
    if missing := [name for name in own if name not in tensors and name not in unused]:
        faults.append(f"lacks {_few(missing)}")
    if unexpected := [name for name in tensors if name not in own]:
        faults.append(f"has unexpected {_few(unexpected)}")
    if differing := [
        f"{name} {tuple(tensors[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in tensors and tensors[name].shape != own[name].shape
    ]:
        faults.append(f"has other shapes: {_few(differing)}")
    if faults:
        raise UserError(
            f"the state dict does not fit {what}: it {'; it '.join(faults)}",
            where=where,
            cure="name the architecture that the file was trained with",
        )
    module.load_state_dict(dict(tensors), strict=False)


def _few(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
