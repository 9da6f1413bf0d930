"""The fixed split of units into development units and the rest.

Who tunes a method's settings on true names may look at the development units only; boards compare
such a method on the rest (`tuned_on=dev`).
"""

from __future__ import annotations

from hashlib import sha256

DEV = "dev"
"""Value of the setting `tuned_on` for settings that were tuned on development units."""

SHARE = 0.2


def is_development_unit(layer: str, unit: int) -> bool:
    """Return whether a unit is for development: about a fifth of the units of each layer are.

    The split never changes: the first eight bytes of the sha256 of "<layer>:<unit>", read as a
    big-endian number, are below a fifth of 2**64. Other networks with a layer of this name have the
    same split.

    Args:
        layer: Name of the layer, such as "fc".
        unit: Number of the unit, from 0.

    Examples:
        >>> [unit for unit in range(20) if is_development_unit("fc", unit)]
        [0]
    """
    digest = sha256(f"{layer}:{unit}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < SHARE * 2**64
