"""Read checkpoints, in safetensors or PyTorch's format, without running code in them."""

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
"""Most levels of nesting that are searched for tensors."""

Checkpoint = Mapping[str, Mapping[str, "Tensor"]]
"""Collections of named tensors by the keys that lead to them in the file, joined by dots: "" is the
top level, "state_dict" is what the file holds under that key. Tensors of a list are numbered."""


def read_checkpoint(file: Path, where: str) -> Checkpoint:
    """Read all tensors of a file.

    Args:
        file: `.safetensors`, or a file that `torch.load(weights_only=True)` reads.
        where: The setting with the path, for messages.

    Raises:
        UserError: The file is damaged, unsafe to load, or holds no named tensors.
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
    collections = _collections(loaded) if isinstance(loaded, Mapping) else {}
    if not collections:
        keys = few(loaded) if isinstance(loaded, Mapping) else ""
        holds = f"the keys {keys}" if keys else f"a {type(loaded).__name__}"
        raise UserError(
            f"{file} holds no state dict (a mapping from names to tensors): it holds {holds}",
            where=where,
            hint="save it with torch.save(model.state_dict(), FILE) or safetensors",
        )
    return collections


def few(names: Iterable[object], limit: int = 4) -> str:
    """Join the first names, and add the number of further ones."""
    listed = [str(name) for name in names]
    more = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {more} more" if more > 0 else "")


def _collections(value: Any, path: str = "", depth: int = 0) -> dict[str, dict[str, Tensor]]:
    """Find all mappings and lists that hold tensors, at any level."""
    import torch

    inside = value.items() if isinstance(value, Mapping) else enumerate(value)
    entries = [(str(key), one) for key, one in inside]
    tensors = {key: one for key, one in entries if torch.is_tensor(one)}
    collections = {path: tensors} if tensors else {}
    if depth < _DEPTH:
        for key, one in entries:
            if isinstance(one, Mapping | list | tuple):
                collections |= _collections(one, f"{path}.{key}" if path else key, depth + 1)
    return collections


def _unpickle(file: Path) -> Any:
    """Load a file in PyTorch's format: tensors, numbers, strings and containers of these.

    Old files (those of Places365) may come from Python 2. Their strings are bytes, which PyTorch
    decodes as UTF-8. Where that fails, as for the bytes of a NumPy number, decode them as Latin-1,
    as the script of the Places365 authors does: it accepts all bytes, and names of tensors are
    ASCII in any case. Allow `argparse.Namespace` too, in which training scripts store their
    arguments: it holds values and runs nothing.
    """
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, UnicodeDecodeError):
        allowed = getattr(torch.serialization, "safe_globals", None)  # from PyTorch 2.5
        if allowed is None:
            raise
    with allowed([*_numpy_numbers(), Namespace]), warnings.catch_warnings():
        # PyTorch warns that it ignores pickle_load_args; the encoding of byte strings is used.
        warnings.filterwarnings("ignore", message="pickle_load_args")
        return torch.load(file, map_location="cpu", weights_only=True, encoding="latin1")


def _numpy_numbers() -> list[Any]:
    """Return the callables that unpickle NumPy's scalars.

    Old training scripts store the best accuracy as a scalar beside the weights. These callables
    make a number from bytes and run nothing else.
    """
    import numpy as np

    scalar: Any = type(np.float64(0)).__reduce__(np.float64(0))[0]
    kinds = {type(np.dtype(code)) for code in "?bhilqBHILQefd"}
    # Older releases of NumPy, and so older files, have the function in another module.
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [*((scalar, name) for name in names), (np.dtype, "numpy.dtype"), *kinds]
