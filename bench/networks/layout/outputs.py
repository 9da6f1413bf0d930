"""What a module returns, as named tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def named_tensors(output: Any) -> dict[str, Tensor]:
    """Tensors inside tuples, lists, mappings and data classes, in their order.

    Args:
        output: What a module returned.

    Returns:
        Tensors by name: a key or field where there is one, else a number; inside another container
        after that one's name and a dot. A tensor by itself has the empty name.
    """
    return dict(_walk(output, ""))


def pick(names: list[str], wanted: str) -> str | None:
    """The name that is meant by a name or a position; None where there is none."""
    if wanted in names:
        return wanted
    if wanted.isdecimal() and int(wanted) < len(names):
        return names[int(wanted)]
    return None


def _walk(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    import torch

    if torch.is_tensor(value):
        yield name, value
        return
    parts: Any
    if isinstance(value, Mapping):
        parts = value.items()
    elif hasattr(value, "_fields"):
        parts = zip(value._fields, value, strict=True)
    elif isinstance(value, tuple | list):
        parts = enumerate(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    else:
        return
    for key, part in parts:
        yield from _walk(part, f"{name}.{key}" if name else str(key))
