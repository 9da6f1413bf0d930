"""`dissectbench plan`: what a request would run, what is missing for it, and how to get that."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.outcome import no_match_reasons
from bench.cli.units import show_size, show_span
from bench.config.schema import RECORDED_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.cli.plan_costs import Costs
    from bench.config.compose import Job
    from bench.downloads.requirements import Requirement
    from bench.run.survey import JobSurvey

EPILOG = """\
examples:
  dissectbench plan experiment=paper_table1
  dissectbench plan -m probe=glyphs_val,cifar100_train concepts=wordfreq_20k
  dissectbench plan --time experiment=glyphs_full

Takes the overrides of `dissectbench run`, and runs nothing. Time, memory and disk are forecast from
the timings in the folder of results; --time times 64 images and texts with each network for what
these do not say. `dissectbench run --possible ...` runs the jobs for which nothing is missing.
"""

IMPOSSIBLE = "impossible"
FETCH = "dissectbench fetch "


def main(arguments: Sequence[str]) -> int:
    """Print all cells with their states, then what is missing and how to get it."""
    options = parser("plan", "Show what a run would do, and what is missing for it.", EPILOG)
    options.add_argument("-m", "--multirun", action="store_true", help="sweep over a,b,c values")
    options.add_argument(
        "--time",
        action="store_true",
        help="time 64 images with each network, and forecast the time of all cells",
    )
    options.add_argument("--config-dir", type=Path, help="a folder of your own config groups")
    options.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    given = options.parse_intermixed_args(arguments)

    from bench.cli.plan_costs import forecast_costs, show_costs
    from bench.config.compose import expand
    from bench.run.survey import survey

    jobs = expand(given.overrides, multirun=given.multirun, config_dir=given.config_dir)
    surveys = survey(jobs)
    unmet = list(dict.fromkeys(need for found in surveys for need in found.unmet))
    numbers = {need: number for number, need in enumerate(unmet, start=1)}
    costs = forecast_costs(surveys, sample=given.time)
    _show_cells(surveys, numbers, costs)
    if costs:
        show_costs(costs)
    _show_unmet(unmet, numbers)
    _show_command(unmet)
    _show_faults(surveys)
    for reason in no_match_reasons(found.plan for found in surveys if found.plan):
        sys.stdout.write(f"\ncannot score: {reason}\n")
    if given.time:
        _show_time(surveys, costs)
    return 0


def _show_cells(
    surveys: Sequence[JobSurvey], numbers: dict[Requirement, int], costs: Costs | None
) -> None:
    from rich.table import Table

    from bench.cli.console import Console

    common, titles = compare_choices(surveys)
    sys.stdout.write("".join(f"{role:<10} {name}\n" for role, name in common.items()) + "\n")
    table = Table(box=None, pad_edge=False)
    forecast = ("time", "memory", "disk") if costs else ()
    for title in ("cell", "layers", "state", *forecast, "missing"):
        table.add_column(title, overflow="fold")
    states: Counter[str] = Counter()
    for found, words in zip(surveys, titles, strict=True):
        layers = _layers(found)
        counted = _states(found, len(layers))
        states.update(counted)
        state = ", ".join(
            f"{count} {name}" if len(layers) > 1 else name for name, count in counted.items()
        )
        missing = " ".join(f"[{numbers[need]}]" for need in found.unmet)
        own = costs.columns(found) if costs else []
        table.add_row(words, ", ".join(layers), state, *own, missing)
    Console().print(table, markup=False)
    total = sum(states.values())
    parts = ", ".join(f"{count} {name}" for name, count in states.items())
    sys.stdout.write(f"\n{total} cell{'' if total == 1 else 's'}: {parts}\n")


def compare_choices(surveys: Sequence[JobSurvey]) -> tuple[dict[str, str], list[str]]:
    """Return the choices that all jobs share, by group; and for each job the other choices.

    Leave out groups that a job does not use.
    """
    chosen = [
        {
            role: [choice_of(found.job, role), *settings_of(found.job, role)]
            for role in RECORDED_GROUPS
            if role in used_roles(found)
        }
        for found in surveys
    ]
    common: dict[str, list[str]] = {}
    for role in (role for role in RECORDED_GROUPS if role != "method"):
        words = [own[role] for own in chosen if role in own]
        if len({own[0] for own in words}) == 1:
            common[role] = [word for word in words[0] if all(word in own for own in words)]
    rest = []
    for own in chosen:
        differing = [
            " ".join(word for word in words if word not in common.get(role, ()))
            for role, words in own.items()
        ]
        rest.append(" | ".join(words for words in differing if words))
    return {role: " ".join(words) for role, words in common.items()}, rest


def used_roles(found: JobSurvey) -> set[str]:
    """Return the groups that a job uses; a method that writes sentences uses no concept set."""
    selection = found.selection
    if selection is None:
        return set(RECORDED_GROUPS[:-1])
    used = {"method", "target", "probe", "scoring"}
    used |= {"concepts"} if selection.uses_concepts else set()
    optional = ("encoder", "segmenter", "captioner", "language_model", "generator")
    return used | {role for role in optional if getattr(selection, role) is not None}


def choice_of(job: Job, role: str) -> str:
    """Return the name that a job chose in a group."""
    return job.choices.get(role) or str(job.config[role].name)


def settings_of(job: Job, role: str) -> list[str]:
    """Return a group's settings that a job changed: "wpmi" of method.params.similarity=wpmi."""
    words = []
    for text in job.overrides:
        key, _, value = text.lstrip("+").partition("=")
        group, _, name = key.partition(".")
        if group != role or not name or name == "layers":
            continue
        bare = value.isidentifier() and value.lower() not in ("true", "false", "null")
        words.append(value if bare else f"{name.removeprefix('params.')}={value}")
    return words


def _layers(found: JobSurvey) -> list[str]:
    if found.plan:
        return [cell.layer for cell in found.plan.cells]
    return [str(layer) for layer in found.job.config.target.layers]


def _states(found: JobSurvey, count: int) -> Counter[str]:
    if found.plan is None or not found.possible():
        return Counter({IMPOSSIBLE: count})
    return Counter(str(cell.read_state()) for cell in found.plan.cells)


def _show_unmet(unmet: Iterable[Requirement], numbers: dict[Requirement, int]) -> None:
    """Print each missing file or package, its size and the command that gets it."""
    for need in unmet:
        size = f", {show_size(need.size)}" if need.size else ""
        said = "run" in need.hint and "with a connection" in need.hint
        own = "; a run with a connection fetches it" if need.automatic and not said else ""
        near = f" (there is {', '.join(need.similar)})" if need.similar else ""
        where = f"{need.where}: " if need.where else ""
        sys.stdout.write(
            f"\n[{numbers[need]}] {where}{need.name}{size}{near}\n    {need.hint}{own}\n"
        )


def _show_command(unmet: Iterable[Requirement]) -> None:
    """Print one command that fetches all that can be fetched, with the size."""
    fetched = [need for need in unmet if need.hint.startswith(FETCH)]
    if len(fetched) > 1:
        size = show_size(sum(need.size or 0 for need in fetched))
        names = " ".join(dict.fromkeys(need.hint.removeprefix(FETCH) for need in fetched))
        sys.stdout.write(f"\nall that can be fetched ({size}):\n    {FETCH}{names}\n")


def _show_faults(surveys: Sequence[JobSurvey]) -> None:
    """Print other faults, each once."""
    for fault in dict.fromkeys(str(found.fault) for found in surveys if found.fault):
        sys.stdout.write(f"\n{fault}\n")


def _show_time(surveys: Sequence[JobSurvey], costs: Costs | None) -> None:
    """Print how long the jobs for which nothing is missing take, by kind of work."""
    from rich.table import Table

    from bench.cli.console import Console
    from bench.run.sample import SAMPLE

    ready = costs.surveys if costs else ()
    if len(ready) < len(surveys):
        sys.stdout.write(
            f"\nnot timed: {len(surveys) - len(ready)} of {len(surveys)} jobs, which have "
            "unmet requirements\n"
        )
    works = costs.calibration.works if costs and costs.calibration else []
    if not works:
        if ready:
            sys.stdout.write("\nno time is needed: all cells have labels\n")
        return
    sys.stdout.write(f"\ntime, as {SAMPLE} images and {SAMPLE} texts take here:\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    for justify in ("left", "right", "left", "right"):
        table.add_column(justify=justify, overflow="fold")
    for work in works:
        span = "not timed" if work.seconds is None else show_span(work.seconds)
        table.add_row(work.what, f"{work.items:,}", work.unit, span)
    Console().print(table, markup=False)
    sys.stdout.write(
        f"about {show_span(sum(work.seconds or 0 for work in works))} in all; besides this come "
        "loading, scoring (seconds a cell) and what is not timed\n"
    )
