"""How formulas are written, read, measured and evaluated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.composition.formula import And, Leaf, Not, Or, length, text
from tests.baselines.composition.plain import evaluate, parse

NAMES = ("a", "b", "c", "swivel chair", "x AND y", "fast OR slow (both)", "NOT sky")
FORMULAS = st.recursive(
    st.builds(Leaf, st.integers(0, len(NAMES) - 1)),
    lambda inner: st.one_of(
        st.builds(Not, inner), st.builds(And, inner, inner), st.builds(Or, inner, inner)
    ),
    max_leaves=6,
)


def test_text_and_length():
    formula = And(Or(Leaf(0), Leaf(1)), Not(Leaf(2)))
    assert text(formula, NAMES) == "((a OR b) AND (NOT c))"
    assert length(formula) == 4
    assert length(Leaf(0)) == 1
    assert length(Not(Leaf(0))) == 2
    assert length(Or(Leaf(0), Leaf(0))) == 2
    assert length(And(Leaf(0), Not(Leaf(1)))) == 3


@settings(deadline=None)
@given(FORMULAS)
def test_what_is_written_can_be_read(formula):
    assert text(parse(text(formula, NAMES), NAMES), NAMES) == text(formula, NAMES)


@settings(deadline=None)
@given(FORMULAS)
def test_plain_names_are_read_as_the_same_formula(formula):
    names = [f"name {number}-c" for number in range(len(NAMES))]
    assert parse(text(formula, names), names) == formula


def test_a_name_wins_over_a_formula_and_the_first_of_equal_names():
    assert parse("(a OR b)", ["a", "b", "(a OR b)", "a"]) == Leaf(2)
    assert parse("a", ["a", "a"]) == Leaf(0)


@pytest.mark.parametrize("words", ["", "d", "(a OR d)", "(a)", "a OR b", "(a XOR b)", "(NOT )"])
def test_what_is_no_formula_is_refused(words):
    with pytest.raises(ValueError, match="not a formula"):
        parse(words, ["a", "b"])


@settings(deadline=None)
@given(FORMULAS)
def test_evaluation_is_that_of_each_point(formula):
    random = np.random.default_rng(0)
    masks = random.random((len(NAMES), 40)) < 0.4

    def holds(at, point):
        match at:
            case Leaf(label):
                return bool(masks[label, point])
            case Not(inner):
                return not holds(inner, point)
            case And(left, right):
                return holds(left, point) and holds(right, point)
            case Or(left, right):
                return holds(left, point) or holds(right, point)

    expected = [holds(formula, point) for point in range(40)]
    assert evaluate(formula, lambda label: masks[label]).tolist() == expected
