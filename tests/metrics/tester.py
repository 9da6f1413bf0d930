"""One tester for all metrics: functional form, order of units, missing values, ties, a reference.

A metric is any function of a list of units. What a unit is (a score with a label, a sentence with
its references, an image) is up to
the metric; the tester only lists, repeats and shuffles them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.scores import Score

Unit = TypeVar("Unit")


@dataclass(frozen=True)
class MetricTester(Generic[Unit]):
    """Checks of one metric, or of several that are computed together.

    Attributes:
        metric: The functional form: a number, a `Score`, a tuple, or a mapping of these by name.
        reference: The same values, computed independently; NaN stands for no value.
        unit: Draws one unit, from so few values that ties are common.
        left_out: Units that must change nothing, wherever they stand.
        undefined: Lists of units that have no value.
        tolerance: Greatest absolute difference from the reference.
        most: Greatest number of units.
        examples: Number of lists to try.
    """

    metric: Callable[[list[Unit]], Any]
    reference: Callable[[list[Unit]], Any]
    unit: st.SearchStrategy[Unit]
    left_out: Sequence[Unit] = ()
    undefined: Sequence[list[Unit]] = ((),)  # type: ignore[assignment]
    tolerance: float = 1e-9
    most: int = 12
    examples: int = 25

    def run(self) -> None:
        """Run all checks."""
        lists = st.lists(self.unit, min_size=1, max_size=self.most)

        # Lists are short: no minutes for making a failing one shorter.
        @settings(max_examples=self.examples, deadline=None, phases=(Phase.reuse, Phase.generate))
        @given(lists, st.randoms(use_true_random=False))
        def check(units: list[Unit], random: Any) -> None:
            self.check_reference(units)
            self.check_reference([*units, *units])  # every unit is tied with another one
            shuffled = random.sample(units, len(units))
            self.check_equal(shuffled, units)
            for extra in self.left_out:
                place = random.randrange(len(units) + 1)
                self.check_equal([*units[:place], extra, *units[place:]], units)

        check()
        for units in self.undefined:
            for name, value in values_of(self.metric(list(units))).items():
                assert np.isnan(value[0]), f"{name}: {value[0]} for undefined units"

    def check_reference(self, units: list[Unit]) -> None:
        """Check that the metric gives the reference's values."""
        found, wanted = values_of(self.metric(units)), values_of(self.reference(units))
        assert found.keys() >= wanted.keys()
        for name, numbers in wanted.items():
            own = found[name][: len(numbers)]
            assert own == pytest.approx(numbers, abs=self.tolerance, nan_ok=True), name

    def check_equal(self, units: list[Unit], others: list[Unit]) -> None:
        """Check that two lists of units have the same values and intervals."""
        found, wanted = values_of(self.metric(units)), values_of(self.metric(others))
        assert found.keys() == wanted.keys()
        for name, numbers in wanted.items():
            assert found[name] == pytest.approx(numbers, abs=self.tolerance, nan_ok=True), name


def values_of(result: Any) -> dict[str, list[float]]:
    """Return the numbers of a result by name, the value first; NaN for None."""
    if isinstance(result, Mapping):
        return {name: values_of(value)[""] for name, value in result.items()}
    if isinstance(result, Score):
        shown = ("value", "ci_low", "ci_high", "n", "n_unlabelled", "chance", "ceiling")
        result = tuple(getattr(result, name) for name in shown)
    elif is_dataclass(result) and not isinstance(result, type):
        result = astuple(result)
    numbers = result if isinstance(result, tuple) else (result,)
    return {"": [float("nan") if number is None else float(number) for number in numbers]}
