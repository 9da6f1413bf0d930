"""Names of layers: a module path, with a call or an output where there are several."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """A layer's name in parts, such as "relu", "relu:0", "sae:latents", "block:1:0".

    Attributes:
        path: The module path.
        call: The call, where two parts follow the path; else None.
        output: The output, where two parts follow the path; else "".
        either: The only part that follows the path: a call or an output, whichever the module has
            several of.
    """

    path: str
    call: int | None = None
    output: str = ""
    either: str = ""


def parse_address(name: str) -> Address | None:
    """Parse a layer's name; None for an invalid name."""
    path, *parts = name.split(":")
    if not all(parts) or len(parts) > 2:
        return None
    if len(parts) < 2:
        return Address(path, either=parts[0] if parts else "")
    return Address(path, int(parts[0]), parts[1]) if parts[0].isdecimal() else None


def module_path(name: str) -> str:
    """Return the module path in a layer's name."""
    return name.partition(":")[0]
