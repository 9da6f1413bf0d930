"""What is known of a layer's output, and what of it stands in keys and records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.networks.layout.address import module_path

if TYPE_CHECKING:
    from collections.abc import Iterable

POOLINGS = ("auto", "avg", "max", "cls")
"""What `target.pooling` may be."""

LETTERS = {"B": "images", "U": "units", "H": "rows", "W": "columns", "T": "positions"}
"""Letters of axes."""

_HINT = (
    "name each axis once, such as BUHW, BHWU, BTU or TBU: "
    + ", ".join(f"{letter} {what}" for letter, what in LETTERS.items())
    + "; T may stand for several"
)


@dataclass(frozen=True)
class Layout:
    """How one layer is read.

    Attributes:
        axes: A letter for each axis (`LETTERS`); empty where the number of dimensions says it: four
            are BUHW and two BU, and nothing else is read.
        pooling: "avg" or "max" over positions; "cls": the class token.
        prefix_tokens: Tokens before the first position of T that show no patch of the image.
        call: Which of the module's calls in a pass is read; None for the last one.
        calls: How many there are; 0 where that shows only when the network runs.
        output: Name of the tensor that is read; empty for the only or first one.
        outputs: Names of all tensors that the module returns, where there are several.
        shape: Of the output on synthetic images, 0 for the number of images; empty where unknown.
    """

    axes: str = ""
    pooling: str = "avg"
    prefix_tokens: int = 0
    call: int | None = None
    calls: int = 0
    output: str = ""
    outputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    @property
    def class_token(self) -> bool:
        """Whether one token alone is read."""
        return self.pooling == "cls"

    @property
    def key_pooling(self) -> str:
        """What keys call the pooling; a class token stood in them as "avg" before there was a word.

        What there is nothing to pool in keeps the name that was asked for.
        """
        return "max" if self.pooling == "max" else "avg"

    def key_part(self) -> dict[str, Any]:
        """What keys say of the reading; nothing where it is [B, U], [B, U, H, W] or token 0 of BTU.

        Such layers were never read otherwise, so their keys are those of older versions.
        """
        if self.axes in ("", "BU", "BUHW") or (self.axes == "BTU" and self.one_token):
            return {}
        if self.class_token:
            return {"reading": {"axes": self.axes, "token": "class"}}
        prefix = {"prefix_tokens": self.prefix_tokens} if "T" in self.axes else {}
        return {"reading": {"axes": self.axes, **prefix}}

    def maps_key_part(self) -> dict[str, Any]:
        """As `key_part`, for maps: those of tokens are 1 x 1, and pooled one way."""
        pooled = "T" in self.axes and not self.one_token
        return {**self.key_part(), **({"pooling": [self.pooling]} if pooled else {})}

    @property
    def one_token(self) -> bool:
        """Whether there is nothing to pool: the class token, or the only one that there is."""
        if self.class_token:
            return True
        positions = [n for letter, n in zip(self.axes, self.shape, strict=False) if letter == "T"]
        return positions == [1]

    def as_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Layout:
        """Read what `as_json` wrote."""
        lists = {name: tuple(told[name]) for name in ("outputs", "shape")}
        return cls(**{**told, **lists})

    def describe(self) -> dict[str, Any]:
        """What a record says of it."""
        told: dict[str, Any] = {"axes": self.axes} if self.axes else {}
        if "T" in self.axes:
            told["prefix_tokens"] = self.prefix_tokens
        if self.calls:
            told |= {"call": self.calls - 1 if self.call is None else self.call}
            told |= {"calls": self.calls}
        if self.outputs:
            told |= {"output": self.output, "outputs": list(self.outputs)}
        return told

    def notes(self, layer: str) -> tuple[str, ...]:
        """What a reader should know of a layer that could have been read otherwise.

        Args:
            layer: As it was asked for.
        """
        if ":" in layer:
            return ()
        found = []
        if self.calls > 1:
            last = self.calls - 1
            found.append(
                f"{layer} runs {self.calls} times a pass; call {last}, the last, is described; "
                f"name another as {layer}:0"
            )
        if self.outputs:
            other = next((name for name in self.outputs if name != self.output), "")
            found.append(
                f"{layer} returns {len(self.outputs)} tensors ({', '.join(self.outputs)}); "
                f"{self.output} is described; name another as {layer}:{other}"
            )
        return tuple(found)


PLAIN = Layout()
"""Of a network whose layers all give [B, U, H, W] or [B, U]."""


@dataclass(frozen=True)
class Reading:
    """What was asked for: the settings `target.pooling`, `target.axes`, `target.prefix_tokens`.

    Attributes:
        pooling: One of `POOLINGS`.
        axes: Axes by layer; under "" those of all layers; empty to find out.
        prefix_tokens: None to find out.
    """

    pooling: str = "auto"
    axes: tuple[tuple[str, str], ...] = ()
    prefix_tokens: int | None = None

    @classmethod
    def of(cls, pooling: str, axes: object, prefix_tokens: object) -> Reading:
        """Check the settings as a config holds them.

        Raises:
            UserError: One of them is not as it must be.
        """
        check_pooling(pooling)
        by_layer = dict(axes) if isinstance(axes, Mapping) else {"": axes} if axes else {}
        checked = {str(layer): check_axes(str(text)) for layer, text in by_layer.items()}
        whole = isinstance(prefix_tokens, int) and not isinstance(prefix_tokens, bool)
        if prefix_tokens is not None and not (whole and int(str(prefix_tokens)) >= 0):
            raise UserError(
                f"{prefix_tokens!r} is no number of tokens",
                where="target.prefix_tokens",
                hint="a whole number from 0, or null to find out",
            )
        tokens = int(str(prefix_tokens)) if whole else None
        return cls(pooling, tuple(checked.items()), tokens)

    def axes_of(self, layer: str) -> str:
        """The axes that were given for a layer; empty where none were.

        Those of a module are those of each of its calls and outputs that is not named itself.
        """
        given = dict(self.axes)
        return next((given[name] for name in (*self._names(layer), "") if name in given), "")

    def names(self, layer: str) -> bool:
        """Whether axes were given for a layer by its name."""
        return any(name in dict(self.axes) for name in self._names(layer))

    def unused(self, layers: Iterable[str]) -> list[str]:
        """Names that axes were given for and that are none of these layers."""
        used = {name for layer in layers for name in self._names(layer)}
        return [name for name, _ in self.axes if name and name not in used]

    @staticmethod
    def _names(layer: str) -> tuple[str, str]:
        return layer, module_path(layer)


def check_pooling(pooling: str) -> None:
    """Refuse an unknown way of pooling.

    Raises:
        UserError: It is none of `POOLINGS`.
    """
    if pooling not in POOLINGS:
        raise UserError(
            f"unknown pooling {pooling!r}",
            where="target.pooling",
            valid=POOLINGS,
            hint="target.pooling=auto takes the class token where there is one, else the average",
        )


def check_axes(text: str) -> str:
    """Return axes in capital letters.

    Raises:
        UserError: They are not letters of `LETTERS`, one B, one U, and at most one H and one W.
    """
    axes = text.strip().upper()
    once = all(axes.count(letter) == 1 for letter in "BU") and max(map(axes.count, "HW")) <= 1
    if not re.fullmatch(f"[{''.join(LETTERS)}]+", axes) or not once:
        raise UserError(
            f"{text!r} does not name the axes of a layer", where="target.axes", hint=_HINT
        )
    return axes
