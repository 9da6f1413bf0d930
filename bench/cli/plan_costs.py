"""The forecast that `dissectbench plan` prints: time, memory and disk of each job and in all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cli.units import show_size, show_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run.disk import DiskBound
    from bench.run.forecast import Calibration
    from bench.run.predict import Prediction
    from bench.run.survey import JobSurvey


@dataclass(frozen=True)
class Costs:
    """Forecast costs of a request.

    Attributes:
        surveys: The jobs that can run.
        predictions: Time and memory of each.
        bound: Upper bounds of their disk space.
        calibration: Times by a sample; None without --time.
    """

    surveys: Sequence[JobSurvey]
    predictions: Sequence[Prediction]
    bound: DiskBound
    calibration: Calibration | None

    def columns(self, found: JobSurvey) -> list[str]:
        """Return time, memory and disk of a job, for the table of cells."""
        number = next((n for n, each in enumerate(self.surveys) if each is found), None)
        if number is None:
            return ["", "", ""]
        prediction, size = self.predictions[number], self.bound.jobs[number]
        time, memory = prediction.time, prediction.memory
        spent = "not known" if time is None else show_span(time.value) if time.value else ""
        return [spent, show_size(max(memory)) if memory else "", show_size(size) if size else ""]


def forecast_costs(surveys: Sequence[JobSurvey], *, sample: bool) -> Costs | None:
    """Forecast the jobs of a request that can run.

    Args:
        surveys: All jobs.
        sample: Time a sample with each network, for what no earlier run says.

    Returns:
        None where nothing is known: no run was timed here, and no sample is.
    """
    from bench.run.predict import predict, read_history

    ready = [found for found in surveys if found.plan and not found.unmet]
    plans = [found.plan for found in ready if found.plan]
    if not plans:
        return None
    history = read_history(plans)
    if not history and not sample:
        return None
    from bench.run.disk import bound_disk, read_shapes
    from bench.run.forecast import calibrate

    calibration = calibrate(plans) if sample else None
    shapes = read_shapes(plans) if sample else history.shapes
    predictions = predict(plans, history, calibration.phases if calibration else None)
    return Costs(ready, predictions, bound_disk(plans, shapes), calibration)


def show_costs(costs: Costs) -> None:
    """Print time with its range and basis, memory and disk of all jobs together."""
    from bench.run.history import Estimate

    times = [one.time for one in costs.predictions if one.phases or one.unknown]
    known = [time for time in times if time is not None]
    if known:
        whole = Estimate.total(known)
        span = f"{show_span(whole.low)} to {show_span(whole.high)}"
        rest = f", without {len(times) - len(known)} jobs" if len(known) < len(times) else ""
        sys.stdout.write(f"time: about {show_span(whole.value)} ({span}; {whole.basis}){rest}\n")
    memories = [one.memory for one in costs.predictions if one.memory]
    if memories:
        host, device = (max(sizes) for sizes in zip(*memories, strict=True))
        gpu = f", {show_size(device)} of the GPU" if device else ""
        sys.stdout.write(f"memory: about {show_size(host)}{gpu}\n")
    size = sum(costs.bound.jobs)
    if size:
        kinds = {**costs.bound.cache, "records": costs.bound.records}
        parts = ", ".join(f"{kind} {show_size(each)}" for kind, each in kinds.items())
        rest = "" if costs.bound.complete else "; layers that no run has read are left out"
        sys.stdout.write(f"disk: at most {show_size(size)} ({parts}{rest})\n")
