"""The layout of a layer's output, and its form in keys and records."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Layout:
    """How one layer is read.

    Attributes:
        axes: A letter for each axis (`bench.networks.layout.settings.AXES`); "" for BUHW or BU,
            by the number of dimensions.
        pooling: "avg" or "max" over positions; "cls": the class token.
        prefix_tokens: Tokens before the first position of T that show no patch of the image.
        call: Which of the module's calls in a forward pass is read, from 0; None for the last.
        calls: Number of calls; 0 where it is known only after a run.
        output: Name of the tensor that is read; "" for the only or first one.
        outputs: Names of all tensors that the module returns, where there are several.
        shape: Of the output on synthetic images, 0 for the number of images; () where unknown.
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
        """Whether only the class token is read."""
        return self.pooling == "cls"

    @property
    def key_pooling(self) -> str:
        """The pooling as keys name it: "avg" for a class token, as in older keys.

        Where there is nothing to pool, it is the requested pooling.
        """
        return "max" if self.pooling == "max" else "avg"

    def key_part(self) -> dict[str, Any]:
        """Return the part of a key about the layout.

        It is empty for [B, U], [B, U, H, W] and token 0 of BTU: older versions read such layers
        in the same way, and their keys stay valid.
        """
        if self.axes in ("", "BU", "BUHW") or (self.axes == "BTU" and self.one_token):
            return {}
        if self.class_token:
            return {"reading": {"axes": self.axes, "token": "class"}}
        prefix = {"prefix_tokens": self.prefix_tokens} if "T" in self.axes else {}
        return {"reading": {"axes": self.axes, **prefix}}

    def maps_key_part(self) -> dict[str, Any]:
        """Return the part of a key of maps; maps of tokens are 1 x 1 and depend on the pooling."""
        pooled = "T" in self.axes and not self.one_token
        return {**self.key_part(), **({"pooling": [self.pooling]} if pooled else {})}

    @property
    def one_token(self) -> bool:
        """Whether there is nothing to pool: only one token is read, or there is only one."""
        if self.class_token:
            return True
        positions = [n for letter, n in zip(self.axes, self.shape, strict=False) if letter == "T"]
        return positions == [1]

    @property
    def pools_maps(self) -> bool:
        """Whether pooling is over the units' maps, or there is nothing to pool: no other tokens."""
        return (
            self.axes in ("", "BU") or {"H", "W"} <= set(self.axes) <= set("BUHW") or self.one_token
        )

    def as_json(self) -> dict[str, Any]:
        """Return all attributes, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Layout:
        """Read what `as_json` wrote."""
        lists = {name: tuple(content[name]) for name in ("outputs", "shape")}
        return cls(**{**content, **lists})

    def describe(self) -> dict[str, Any]:
        """Return the layout as in a record."""
        fields: dict[str, Any] = {"axes": self.axes} if self.axes else {}
        if "T" in self.axes:
            fields["prefix_tokens"] = self.prefix_tokens
        if self.calls:
            fields["call"] = self.calls - 1 if self.call is None else self.call
            fields["calls"] = self.calls
        if self.outputs:
            fields |= {"output": self.output, "outputs": list(self.outputs)}
        return fields

    def notes(self, layer: str) -> tuple[str, ...]:
        """Say which call and output are described, of a layer with several.

        Args:
            layer: As it was requested; a name with a call or output needs no note.
        """
        if ":" in layer:
            return ()
        notes = []
        if self.calls > 1:
            last = self.calls - 1
            notes.append(
                f"{layer} runs {self.calls} times a pass; call {last}, the last, is described; "
                f"name another as {layer}:0"
            )
        if self.outputs:
            other = next((name for name in self.outputs if name != self.output), "")
            notes.append(
                f"{layer} returns {len(self.outputs)} tensors ({', '.join(self.outputs)}); "
                f"{self.output} is described; name another as {layer}:{other}"
            )
        return tuple(notes)


PLAIN = Layout()
"""The layout of layers that return [B, U, H, W] or [B, U]."""
