"""Name the tensors that a module returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def named_tensors(output: Any) -> dict[str, Tensor]:
    """Collect the tensors inside tuples, lists, mappings and dataclasses, in order.

    Args:
        output: What a module returned.

    Returns:
        Tensors by name: a key, a field or a number, joined by dots in nested containers. A single
        tensor has the name "".
    """
    return dict(_walk(output, ""))


def pick(names: list[str], wanted: str) -> str | None:
    """Return the name that equals `wanted`, or is at that position; None for none."""
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
