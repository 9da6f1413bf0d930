"""Logical formulas of labels, and their text form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Leaf:
    """A label, by position in `Masks.labels`."""

    label: int


@dataclass(frozen=True, slots=True)
class Not:
    """Negation of a formula."""

    inner: Formula


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction of two formulas."""

    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction of two formulas."""

    left: Formula
    right: Formula


Formula = Leaf | Not | And | Or


def length(formula: Formula) -> int:
    """Return the length that the penalty counts: 1 for a leaf, plus 1 for NOT, sums for AND and OR.

    So (a AND (NOT b)) has length 3, although the search takes one step.
    """
    match formula:
        case Leaf():
            return 1
        case Not(inner):
            return length(inner) + 1
        case And(left, right) | Or(left, right):
            return length(left) + length(right)


def text(formula: Formula, names: Sequence[str]) -> str:
    """Write a formula as text, such as "((a OR b) AND (NOT c))".

    Args:
        formula: The formula.
        names: Names of the labels [C].
    """
    match formula:
        case Leaf(label):
            return names[label]
        case Not(inner):
            return f"(NOT {text(inner, names)})"
        case And(left, right):
            return f"({text(left, names)} AND {text(right, names)})"
        case Or(left, right):
            return f"({text(left, names)} OR {text(right, names)})"


def meaning(formula: Formula) -> Hashable:
    """Return a value that is equal for formulas up to the order of AND's and OR's operands."""
    match formula:
        case Leaf(label):
            return label
        case Not(inner):
            return "not", meaning(inner)
        case And(_, _) | Or(_, _):
            return type(formula).__name__, frozenset(_operands(formula, type(formula)))


def _operands(formula: Formula, kind: type[And] | type[Or]) -> Iterator[Hashable]:
    """Yield the operands of a chain of one operator: a, b and c for (a OR b) OR c."""
    if isinstance(formula, And | Or) and isinstance(formula, kind):
        yield from _operands(formula.left, kind)
        yield from _operands(formula.right, kind)
    else:
        yield meaning(formula)


def positive_labels(formula: Formula) -> list[int]:
    """Return the labels of a formula that are not behind NOT, in order."""
    match formula:
        case Leaf(label):
            return [label]
        case Not(_):
            return []
        case And(left, right) | Or(left, right):
            return [*positive_labels(left), *positive_labels(right)]


def holds(formula: Formula, presence: Tensor) -> Tensor:
    """Return the images for which a formula holds.

    Args:
        formula: The formula.
        presence: Whether an image has a label, bool [N, C].

    Returns:
        Booleans [N].
    """
    match formula:
        case Leaf(label):
            return presence[:, label]
        case Not(inner):
            return ~holds(inner, presence)
        case And(left, right):
            return holds(left, presence) & holds(right, presence)
        case Or(left, right):
            return holds(left, presence) | holds(right, presence)
