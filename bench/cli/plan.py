"""`dissectbench plan`: what a request would do here, what is missing, and how to get that."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.outcome import none_right
from bench.cli.units import show_size, show_span
from bench.config.schema import TOLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.config.compose import Job
    from bench.downloads.requirements import Requirement
    from bench.run.survey import Surveyed

EPILOG = """\
examples:
  dissectbench plan experiment=paper_table1
  dissectbench plan -m probe=glyphs_val,cifar100_train concepts=wordfreq_20k
  dissectbench plan --time experiment=glyphs_demo

Takes what `dissectbench run` takes, and runs nothing; with --time it times 64 images and texts with
each network. `dissectbench run --possible ...` runs those cells for which all is here.
"""

IMPOSSIBLE = "impossible"
FETCH = "dissectbench fetch "


def main(arguments: Sequence[str]) -> int:
    """Print every cell with its state, then what is missing, then how to get it."""
    options = parser("plan", "What a run would do, and what is missing for it.", EPILOG)
    options.add_argument("-m", "--multirun", action="store_true", help="sweep over a,b,c values")
    options.add_argument(
        "--time",
        action="store_true",
        help="time 64 images with each network, and say how long all takes",
    )
    options.add_argument("--config-dir", type=Path, help="a folder of your own config groups")
    options.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    given = options.parse_intermixed_args(arguments)

    from bench.config.compose import expand
    from bench.run.survey import survey

    jobs = expand(given.overrides, multirun=given.multirun, config_dir=given.config_dir)
    surveyed = survey(jobs)
    unmet = list(dict.fromkeys(requirement for found in surveyed for requirement in found.unmet))
    numbers = {requirement: number for number, requirement in enumerate(unmet, start=1)}
    _show_cells(surveyed, numbers)
    _show_unmet(unmet, numbers)
    _show_command(unmet)
    _show_faults(surveyed)
    for why in none_right(found.planned for found in surveyed if found.planned):
        sys.stdout.write(f"\ncannot score: {why}\n")
    if given.time:
        _show_time(surveyed)
    return 0


def _show_cells(surveyed: Sequence[Surveyed], numbers: dict[Requirement, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    common, told = tell_apart(surveyed)
    sys.stdout.write("".join(f"{role:<10} {name}\n" for role, name in common.items()) + "\n")
    table = Table(box=None, pad_edge=False)
    for title in ("cell", "layers", "state", "missing"):
        table.add_column(title, overflow="fold")
    states: Counter[str] = Counter()
    for found, words in zip(surveyed, told, strict=True):
        layers = _layers(found)
        counted = _states(found, len(layers))
        states.update(counted)
        state = ", ".join(
            f"{count} {name}" if len(layers) > 1 else name for name, count in counted.items()
        )
        missing = " ".join(f"[{numbers[requirement]}]" for requirement in found.unmet)
        table.add_row(words, ", ".join(layers), state, missing)
    Console().print(table, markup=False)
    total = sum(states.values())
    parts = ", ".join(f"{count} {name}" for name, count in states.items())
    sys.stdout.write(f"\n{total} cell{'' if total == 1 else 's'}: {parts}\n")


def tell_apart(surveyed: Sequence[Surveyed]) -> tuple[dict[str, str], list[str]]:
    """What all jobs of a request chose alike, by group; and what each chose of the rest.

    A group that a job has no use for says nothing of it.
    """
    chosen = [
        {
            role: [choice_of(found.job, role), *settings_of(found.job, role)]
            for role in TOLD
            if role in used_roles(found)
        }
        for found in surveyed
    ]
    common: dict[str, list[str]] = {}
    for role in (role for role in TOLD if role != "method"):
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


def used_roles(found: Surveyed) -> set[str]:
    """Groups that a job uses: a method that writes its own sentences has no concept set."""
    parts = found.parts
    if parts is None:
        return set(TOLD[:-1])
    used = {"method", "target", "probe", "scoring"}
    used |= {"concepts"} if parts.uses_concepts else set()
    optional = ("encoder", "segmenter", "captioner")
    return used | {role for role in optional if getattr(parts, role) is not None}


def choice_of(job: Job, role: str) -> str:
    """The name that a job chose in a group."""
    return job.choices.get(role) or str(job.config[role].name)


def settings_of(job: Job, role: str) -> list[str]:
    """What a job changed of its choice, as typed: "wpmi" for method.params.similarity=wpmi."""
    words = []
    for text in job.overrides:
        key, _, value = text.lstrip("+").partition("=")
        group, _, name = key.partition(".")
        if group != role or not name or name == "layers":
            continue
        bare = value.isidentifier() and value.lower() not in ("true", "false", "null")
        words.append(value if bare else f"{name.removeprefix('params.')}={value}")
    return words


def _layers(found: Surveyed) -> list[str]:
    if found.planned:
        return [cell.layer for cell in found.planned.cells]
    return [str(layer) for layer in found.job.config.target.layers]


def _states(found: Surveyed, count: int) -> Counter[str]:
    if found.planned is None or not found.possible:
        return Counter({IMPOSSIBLE: count})
    return Counter(str(cell.state) for cell in found.planned.cells)


def _show_unmet(unmet: Iterable[Requirement], numbers: dict[Requirement, int]) -> None:
    """Print each unmet requirement with its size and hint."""
    for need in unmet:
        size = f", {show_size(need.size)}" if need.size else ""
        stated = "run" in need.hint and "with a connection" in need.hint
        own = "; a run with a connection fetches it" if need.automatic and not stated else ""
        similar = f" (there is {', '.join(need.similar)})" if need.similar else ""
        where = f"{need.where}: " if need.where else ""
        head = f"[{numbers[need]}] {where}{need.name}{size}{similar}"
        sys.stdout.write(f"\n{head}\n    {need.hint}{own}\n")


def _show_command(unmet: Iterable[Requirement]) -> None:
    """One command for all that a command can bring, with what it weighs."""
    fetched = [requirement for requirement in unmet if requirement.hint.startswith(FETCH)]
    if len(fetched) > 1:
        size = show_size(sum(requirement.size or 0 for requirement in fetched))
        names = " ".join(
            dict.fromkeys(requirement.hint.removeprefix(FETCH) for requirement in fetched)
        )
        sys.stdout.write(f"\nall that can be fetched ({size}):\n    {FETCH}{names}\n")


def _show_faults(surveyed: Sequence[Surveyed]) -> None:
    """What else stands in the way, each fault once."""
    for fault in dict.fromkeys(str(found.fault) for found in surveyed if found.fault):
        sys.stdout.write(f"\n{fault}\n")


def _show_time(surveyed: Sequence[Surveyed]) -> None:
    """How long the cells for which all is here take, by kind of work."""
    from rich.console import Console
    from rich.table import Table

    from bench.run.forecast import forecast
    from bench.run.sample import SAMPLE

    ready = [found.planned for found in surveyed if found.planned and not found.unmet]
    if len(ready) < len(surveyed):
        sys.stdout.write(
            f"\nnot timed: {len(surveyed) - len(ready)} of {len(surveyed)} jobs, which lack "
            "something\n"
        )
    works = forecast(ready)
    if not works:
        if ready:
            sys.stdout.write("\nno time is needed: all labels are made\n")
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
        f"about {show_span(sum(work.seconds or 0 for work in works))} in all; loading, scoring "
        "(seconds a cell) and what is not timed come on top\n"
    )
