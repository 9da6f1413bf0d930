"""Times are forecast from earlier timings, by what decides them, with a range and a basis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.__main__ import main
from bench.config.compose import expand
from bench.environment import hardware
from bench.run.history import CALIBRATED, LIKE, MEASURED, Estimate, History
from bench.run.plan import State
from bench.run.predict import predict, read_history, traits_of
from bench.run.survey import plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.run.plan import JobPlan

OTHER = "method.params.similarity=cos_similarity"


@pytest.fixture
def job(small: tuple[str, ...]) -> Callable[..., JobPlan]:
    """Return the plan of the small cell, changed by overrides."""
    return lambda *changes: plan(expand([*small, *changes]))[0]


def set_timing(here: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the only timing of the finished cell."""
    [file] = here.rglob("timings.jsonl")
    [line] = file.read_text(encoding="utf-8").splitlines()
    timing = json.loads(line)
    change(timing)
    file.write_text(json.dumps(timing) + "\n", encoding="utf-8")


def set_seconds(**seconds: float) -> Callable[[dict[str, Any]], None]:
    def change(timing: dict[str, Any]) -> None:
        for phase in timing["phases"]:
            phase["wall_s"] = seconds.get(phase["name"], 0.0)

    return change


def test_times_grow_with_the_images(here: Path, job: Callable[..., JobPlan]) -> None:
    set_timing(here, set_seconds(gather=4.0, text=3.0, match=2.0))
    set_timing(
        here,
        lambda timing: timing.update(
            phases=[phase for phase in timing["phases"] if phase["name"] != "score"]
        ),
    )
    larger = job("probe.params.size=96")
    [found] = predict([larger], read_history([larger]))
    assert found.phases["gather"].value == pytest.approx(8.0)
    assert found.phases["match"].value == pytest.approx(4.0)
    assert found.phases["text"].value == pytest.approx(3.0)  # the same words
    assert found.time is not None  # also where no timing has the phase of scoring
    assert found.phases["gather"].low < 8.0 < found.phases["gather"].high
    assert found.phases["gather"].basis == MEASURED
    assert found.memory is not None
    assert found.memory[0] > 10**8


def test_evidence_is_counted_once_and_finished_cells_are_not(
    here: Path, job: Callable[..., JobPlan]
) -> None:
    done, one, two = job(), job("seed=1"), job("seed=2")
    assert done.cells[0].read_state() is State.DONE
    found = predict([done, one, two], read_history([done]))
    assert not found[0].phases
    assert "gather" in found[1].phases
    assert "gather" not in found[2].phases
    assert "match" in found[2].phases


def test_hardware_decides_how_sure_a_forecast_is(here: Path, job: Callable[..., JobPlan]) -> None:
    traits = traits_of(job(), "fc")
    results = here / "results"

    def basis() -> str | None:
        found = History(results, "cpu").phase(traits, "match")
        return found.basis if found else None

    assert basis() == MEASURED
    set_timing(here, lambda timing: timing["hardware"].update(memory_bytes=1))
    assert basis() == LIKE
    set_timing(here, lambda timing: timing["hardware"].update(cpu="another"))
    assert basis() is None


def test_a_phase_of_another_method_is_not_known_unless_a_sample_was_timed(
    here: Path, job: Callable[..., JobPlan]
) -> None:
    other = job("method=milan")
    [found] = predict([other], read_history([other]))
    assert "match" in found.unknown
    assert found.time is None
    changed = job("target.truth.name=none", "seed=5", "method=netdissect")
    samples = [{"gather": 2.0, "match": 7.0}]
    [found] = predict([changed], History(here / "nothing", "cpu"), samples)
    assert found.phases["match"].value == 7.0
    assert found.phases["match"].basis == CALIBRATED
    assert found.unknown == ("segment",) * ("segment" in found.unknown)


@pytest.mark.parametrize(
    ("items", "expected"), [(100, 10.0), (200, 20.0), (300, 25.0), (400, 30.0), (800, 60.0)]
)
def test_values_are_interpolated(items: int, expected: float) -> None:
    samples = [(100, 10.0), (200, 18.0), (200, 22.0), (400, 30.0)]
    assert Estimate.at(items, samples, MEASURED).value == pytest.approx(expected)


def test_a_small_number_needs_the_fixed_share() -> None:
    samples = [(100, 10.0), (400, 30.0)]
    assert Estimate.at(20, samples, MEASURED).value == pytest.approx(2.0)
    assert Estimate.at(20, samples, MEASURED, fixed=0.5).value == pytest.approx(6.0)


def test_a_range_covers_the_spread_and_widens_where_the_basis_is_weak() -> None:
    samples = [(100, 8.0), (100, 10.0), (100, 15.0)]
    here, like = (Estimate.at(100, samples, basis) for basis in (MEASURED, LIKE))
    assert here.low < 8.0 < 15.0 < here.high
    assert like.low < here.low < here.high < like.high
    assert Estimate.total([here, like]).basis == LIKE


def test_plan_prints_the_forecast(
    here: Path, small: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    set_timing(here, set_seconds(gather=4.0, text=3.0, match=2.0))
    assert main(["plan", *small, "probe.params.size=96"]) == 0
    shown = capsys.readouterr().out
    assert "time: about 15 s" in shown  # 8 + 3 + 4
    assert "measured here" in shown
    assert "memory: about" in shown
    assert "disk: at most" in shown
    assert hardware("cpu")["cpu"]
