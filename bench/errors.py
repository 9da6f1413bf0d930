"""User errors: what is wrong, where, the nearest valid names, and the command that mends it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class UserError(Exception):
    """A request that cannot be served as written; the program prints it and exits with 2.

    Attributes:
        what: The fault, in one sentence.
        where: The config key or `file:line` it stands at.
        valid: Names that would have been valid, nearest first.
        hint: The command or change that mends it.
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
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive pickling by default, and launchers pickle errors.
        return (_rebuild, (self.what, self.where, self.valid, self.hint))


def _rebuild(what: str, where: str, valid: Sequence[str], hint: str) -> UserError:
    return UserError(what, where=where, valid=valid, hint=hint)


class LayerError(UserError):
    """A fault of one layer: the other layers of the request can be described all the same.

    Attributes:
        layer: The layer's name, as it was asked for.
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

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_layer, (self.layer, self.what, self.where, self.valid, self.hint))


def _rebuild_layer(
    layer: str, what: str, where: str, valid: Sequence[str], hint: str
) -> LayerError:
    return LayerError(layer, what, where=where, valid=valid, hint=hint)


def nearest(name: str, valid: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to `limit` valid names nearest to a mistyped one, best first."""
    return difflib.get_close_matches(name, list(valid), n=limit, cutoff=0.5)


class NetworkError(UserError):
    """A fault of a user's own network: its cells fail, and the others of the request are run."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_network, (self.what, self.where, self.valid, self.hint))


def _rebuild_network(what: str, where: str, valid: Sequence[str], hint: str) -> NetworkError:
    return NetworkError(what, where=where, valid=valid, hint=hint)
