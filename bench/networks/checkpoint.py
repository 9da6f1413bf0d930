"""Files of weights: safetensors or PyTorch's own format, read without running what is in them."""

from __future__ import annotations

import pickle
import warnings
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_DEPTH = 6
"""Levels of nesting that are searched for tensors."""

Checkpoint = Mapping[str, Mapping[str, "Tensor"]]
"""Collections of named tensors, by the keys that lead to them in the file, joined by dots: "" is
the file's own level, "state_dict" what it holds under that key. A list's tensors are numbered."""


def read_checkpoint(file: Path, where: str) -> Checkpoint:
    """Read all tensors of a file.

    Args:
        file: `.safetensors`, or anything that `torch.load(weights_only=True)` reads.
        where: The field that the path was given in, for messages.

    Raises:
        UserError: The file is damaged, unsafe to load, or holds no tensor by a name.
    """
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
            hint="save the state dict alone: torch.save(model.state_dict(), FILE)",
        ) from error
    except Exception as error:  # each format has errors of its own
        raise UserError(f"cannot read weights from {file}: {error}", where=where) from error
    found = _collections(loaded) if isinstance(loaded, Mapping) else {}
    if not found:
        keys = few(loaded) if isinstance(loaded, Mapping) else ""
        holds = f"the keys {keys}" if keys else f"a {type(loaded).__name__}"
        raise UserError(
            f"{file} holds no state dict (a mapping from names to tensors): it holds {holds}",
            where=where,
            hint="save it with torch.save(model.state_dict(), FILE) or safetensors",
        )
    return found


def few(names: Iterable[object], shown: int = 4) -> str:
    """List the first of some names, and how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - shown
    return ", ".join(listed[:shown]) + (f" and {more} more" if more > 0 else "")


def _collections(value: Any, path: str = "", depth: int = 0) -> dict[str, dict[str, Tensor]]:
    """Every mapping and list that holds tensors, at any level."""
    import torch

    inside = value.items() if isinstance(value, Mapping) else enumerate(value)
    entries = [(str(key), one) for key, one in inside]
    tensors = {key: one for key, one in entries if torch.is_tensor(one)}
    found = {path: tensors} if tensors else {}
    if depth < _DEPTH:
        for key, one in entries:
            if isinstance(one, Mapping | list | tuple):
                found |= _collections(one, f"{path}.{key}" if path else key, depth + 1)
    return found


def _unpickle(file: Path) -> Any:
    """What a file of PyTorch's holds: tensors, numbers, texts and containers of these.

    Files of PyTorch's first years (the Places365 networks') may come from Python 2. Its texts are
    bytes, which PyTorch takes for UTF-8; those that are not, such as the bytes of a NumPy number,
    are decoded as Latin-1, as the Places365 authors' script does: no byte is refused, and the names
    of tensors are ASCII either way. Training scripts keep their arguments beside the weights, as
    argparse hands them over: an object that holds values and runs nothing. Nothing in the file is
    run in any case.
    """
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, UnicodeDecodeError):
        allowed = getattr(torch.serialization, "safe_globals", None)  # from PyTorch 2.5
        if allowed is None:
            raise
    with allowed([*_numpy_numbers(), Namespace]), warnings.catch_warnings():
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
