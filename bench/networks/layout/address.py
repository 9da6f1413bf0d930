"""Names of layers: a module path, and which call or output of it where there are several."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """What a layer's name says: "relu", "relu:0", "sae:latents", "block:1:0".

    Attributes:
        path: The module path.
        call: Which call, where two parts follow the path; None where that is not said.
        output: Which output, where two parts follow the path; empty where that is not said.
        either: The one part that follows the path: a call or an output, as the module has several.
    """

    path: str
    call: int | None = None
    output: str = ""
    either: str = ""


def parse_address(name: str) -> Address | None:
    """Take a layer's name apart; None where it is none."""
    path, *parts = name.split(":")
    if not all(parts) or len(parts) > 2:
        return None
    if len(parts) < 2:
        return Address(path, either=parts[0] if parts else "")
    return Address(path, int(parts[0]), parts[1]) if parts[0].isdecimal() else None


def module_path(name: str) -> str:
    """The module path of a layer's name."""
    return name.partition(":")[0]
