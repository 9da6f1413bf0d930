"""What a part needs and this machine does not have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lack:
    """Something that a part needs and that is not on this machine.

    Attributes:
        what: In a few words: "Broden 1.0, 224 x 224".
        hint: The command that brings it, or where its owners hand it out.
        bytes: Its size, roughly; None where that is not known.
        automatic: Whether a run with a connection fetches it by itself.
        where: The config key that asks for it; empty where that is the choice of a part.
        near: Paths that are there and are called nearly like it.
    """

    what: str
    hint: str
    bytes: int | None = None
    automatic: bool = False
    where: str = ""
    near: tuple[str, ...] = ()
