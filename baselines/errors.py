"""Errors of methods that users can fix."""

from __future__ import annotations


class MethodError(ValueError):
    """A request that a method cannot fulfil.

    Attributes:
        hint: The setting or change that fixes it.
    """

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def missing_template(otherwise: str) -> MethodError:
    """Return the error of a method that needs the encoder's template where arrays stand for it.

    Args:
        otherwise: Parameter and value with which the method needs no template.
    """
    return MethodError(
        "the template without a label has no embedding where embeddings are given as arrays",
        hint=f"set method.params.{otherwise}",
    )
