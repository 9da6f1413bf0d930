"""Errors that users can fix: what is wrong, where, similar valid names, and a hint."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class UserError(Exception):
    """An invalid request; the program prints it and exits with 2.

    Attributes:
        what: What is wrong, in one sentence.
        where: The config key or `file:line`.
        valid: Similar valid names, nearest first.
        hint: The command or change that fixes it.
    """

    def __init__(
        self, what: str, *, where: str = "", valid: Sequence[str] = (), hint: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.valid = tuple(valid)
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.valid:
            lines.append(f"  nearest: {', '.join(self.valid)}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return escape_controls("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by their positional arguments only; launchers pickle errors.
        return (_rebuild, (type(self), self.__dict__))


def escape_controls(text: str) -> str:
    """Return a text with control characters as escapes, so that a terminal does not obey them."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )


def _rebuild(kind: type[UserError], attributes: dict[str, object]) -> UserError:
    error = kind.__new__(kind)
    error.args = (attributes["what"],)
    error.__dict__.update(attributes)
    return error


class LayerError(UserError):
    """An error of one layer; the other layers of the request can be described.

    Attributes:
        layer: The layer's name in the request.
    """

    def __init__(
        self,
        layer: str,
        what: str,
        *,
        where: str = "target.layers",
        valid: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, valid=valid, hint=hint)
        self.layer = layer


class NetworkError(UserError):
    """An error of a user's own network; its cells fail, and the other cells of the request run."""


class UnwritableError(UserError):
    """Results cannot be written, not even the record of a failure; the request ends."""


def explain_refusal(error: ValueError, where: str, hint: str = "") -> UserError:
    """Return why a part refuses a setting or its evidence.

    Args:
        error: The refusal; a `baselines.errors.MethodError` has a hint of its own.
        where: The config key.
        hint: The hint of an error without one.
    """
    return UserError(str(error), where=where, hint=getattr(error, "hint", "") or hint)


def nearest(name: str, valid: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to `limit` valid names similar to a mistyped one, best first."""
    return difflib.get_close_matches(name, list(valid), n=limit, cutoff=0.5)
