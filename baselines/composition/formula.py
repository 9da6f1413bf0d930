"""Logical formulas of labels, and their text form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray


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


def parse(words: str, names: Sequence[str]) -> Formula:
    """Parse the text of a formula.

    Names may contain spaces and balanced parentheses. A name that is also the text of a formula is
    read as a name; the first of equal names is used.

    Args:
        words: Text of a formula.
        names: Names of the labels [C].

    Raises:
        ValueError: The text is not a formula of these names.
    """
    numbers: dict[str, int] = {}
    for number, name in enumerate(names):
        numbers.setdefault(name, number)
    found = _parse(words, numbers)
    if found is None:
        raise ValueError(f"not a formula of the given labels: {words!r}")
    return found


def evaluate(formula: Formula, leaf: Callable[[int], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return the mask where a formula holds.

    Args:
        formula: The formula.
        leaf: Function that returns the mask of a label, bool, of the same shape for all labels.

    Returns:
        A mask of that shape.
    """
    match formula:
        case Leaf(label):
            return leaf(label)
        case Not(inner):
            return np.logical_not(evaluate(inner, leaf))
        case And(left, right):
            return np.logical_and(evaluate(left, leaf), evaluate(right, leaf))
        case Or(left, right):
            return np.logical_or(evaluate(left, leaf), evaluate(right, leaf))


def _parse(words: str, numbers: Mapping[str, int]) -> Formula | None:
    if words in numbers:
        return Leaf(numbers[words])
    if not (words.startswith("(") and words.endswith(")")):
        return None
    words = words[1:-1]
    if words.startswith("NOT "):
        inner = _parse(words.removeprefix("NOT "), numbers)
        if inner is not None:
            return Not(inner)
    for word, kind in ((" AND ", And), (" OR ", Or)):
        at = words.find(word)
        while at >= 0:
            # Split only where the left part's parentheses are balanced.
            if words.count("(", 0, at) == words.count(")", 0, at):
                left = _parse(words[:at], numbers)
                right = _parse(words[at + len(word) :], numbers) if left is not None else None
                if left is not None and right is not None:
                    return kind(left, right)
            at = words.find(word, at + 1)
    return None
