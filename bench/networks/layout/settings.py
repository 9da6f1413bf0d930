"""The settings `target.pooling`, `target.axes` and `target.prefix_tokens`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.networks.layout.address import module_path

if TYPE_CHECKING:
    from collections.abc import Iterable

POOLINGS = ("auto", "avg", "max", "cls")
"""Valid values of `target.pooling`."""

AXES = {"B": "images", "U": "units", "H": "rows", "W": "columns", "T": "positions"}
"""Letters of axes."""

_HINT = (
    "name each axis once, such as BUHW, BHWU, BTU or TBU: "
    + ", ".join(f"{letter} {what}" for letter, what in AXES.items())
    + "; T may be used for several axes"
)


@dataclass(frozen=True)
class LayoutSettings:
    """How layers are to be read.

    Attributes:
        pooling: One of `POOLINGS`.
        axes: (layer, axes); under "" those of all layers. The axes of other layers are found.
        prefix_tokens: Tokens that show no patch; None to find their number.
    """

    pooling: str = "auto"
    axes: tuple[tuple[str, str], ...] = ()
    prefix_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise UserError(
                f"unknown pooling {self.pooling!r}",
                where="target.pooling",
                hint=f"choose one of: {', '.join(POOLINGS)}; auto takes the class token if "
                "there is one, else the average",
            )

    @classmethod
    def from_config(cls, pooling: str, axes: object, prefix_tokens: object) -> LayoutSettings:
        """Check settings from a config.

        Raises:
            UserError: One of them is invalid.
        """
        by_layer = dict(axes) if isinstance(axes, Mapping) else {"": axes} if axes else {}
        checked = {str(layer): _check_axes(str(text)) for layer, text in by_layer.items()}
        is_int = isinstance(prefix_tokens, int) and not isinstance(prefix_tokens, bool)
        tokens = int(str(prefix_tokens)) if is_int else None
        if prefix_tokens is not None and (tokens is None or tokens < 0):
            raise UserError(
                f"invalid number of tokens {prefix_tokens!r}",
                where="target.prefix_tokens",
                hint="give a whole number from 0, or null to find it",
            )
        return cls(pooling, tuple(checked.items()), tokens)

    def axes_of(self, layer: str) -> str:
        """Return the axes set for a layer, "" if none are.

        Axes set for a module are those of each of its calls and outputs that has none of its own.
        """
        axes = dict(self.axes)
        return next((axes[name] for name in (layer, module_path(layer), "") if name in axes), "")

    def names_layer(self, layer: str) -> bool:
        """Return whether axes are set for this layer by name."""
        return not {layer, module_path(layer)}.isdisjoint(dict(self.axes))

    def unused(self, layers: Iterable[str]) -> list[str]:
        """Return the names with axes that are not among these layers."""
        used = {name for layer in layers for name in (layer, module_path(layer))}
        return [name for name, _ in self.axes if name and name not in used]


def _check_axes(text: str) -> str:
    """Return axes in capital letters: one B, one U, and at most one H and one W."""
    axes = text.strip().upper()
    once = all(axes.count(letter) == 1 for letter in "BU") and max(map(axes.count, "HW")) <= 1
    if not re.fullmatch(f"[{''.join(AXES)}]+", axes) or not once:
        raise UserError(f"invalid axes {text!r}", where="target.axes", hint=_HINT)
    return axes
