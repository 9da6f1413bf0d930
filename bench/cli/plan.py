"""`dissectbench plan`: what a request would do here, what is missing, and how to get that."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.units import show_size
from bench.config.schema import TOLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.config.compose import Job
    from bench.parts import Lack
    from bench.run.survey import Surveyed

EPILOG = """\
examples:
  dissectbench plan experiment=paper_table1
  dissectbench plan -m probe=glyphs_val,cifar100_train concepts=wordfreq_20k

Takes what `dissectbench run` takes, and runs nothing. `dissectbench run --possible ...` runs those
cells for which all is here.
"""

IMPOSSIBLE = "impossible"


def main(arguments: Sequence[str]) -> int:
    """Print every cell with its state, then what is missing, then how to get it."""
    options = parser("plan", "What a run would do, and what is missing for it.", EPILOG)
    options.add_argument("-m", "--multirun", action="store_true", help="sweep over a,b,c values")
    options.add_argument("--config-dir", type=Path, help="a folder of your own config groups")
    options.add_argument("overrides", nargs="*", help="Hydra overrides, key=value")
    given = options.parse_intermixed_args(arguments)

    from bench.config.compose import expand
    from bench.run.survey import survey

    jobs = expand(given.overrides, multirun=given.multirun, config_dir=given.config_dir)
    surveyed = survey(jobs)
    lacks = list(dict.fromkeys(lack for found in surveyed for lack in found.lacks))
    numbers = {lack: number for number, lack in enumerate(lacks, start=1)}
    _show_cells(surveyed, numbers)
    _show_lacks(lacks, numbers)
    _show_faults(surveyed)
    return 0


def _show_cells(surveyed: Sequence[Surveyed], numbers: dict[Lack, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    used = [used_roles(found) for found in surveyed]
    roles = [role for role in TOLD if any(role in own for own in used)]
    said_by = {
        role: [
            said(found.job, role) if role in own else "—"
            for found, own in zip(surveyed, used, strict=True)
        ]
        for role in roles
    }
    common = [role for role in roles if role != "method" and len(set(said_by[role])) == 1]
    sys.stdout.write("".join(f"{role:<10} {said_by[role][0]}\n" for role in common) + "\n")
    columns = [role for role in roles if role not in common]
    table = Table(box=None, pad_edge=False)
    table.add_column(" | ".join(columns), overflow="fold")
    for title in ("layers", "state", "missing"):
        table.add_column(title, overflow="fold")
    states: Counter[str] = Counter()
    for place, found in enumerate(surveyed):
        layers = _layers(found)
        counted = _states(found, len(layers))
        states.update(counted)
        state = ", ".join(
            f"{count} {name}" if len(layers) > 1 else name for name, count in counted.items()
        )
        missing = " ".join(f"[{numbers[lack]}]" for lack in found.lacks)
        told = " | ".join(said_by[role][place] for role in columns)
        table.add_row(told, ", ".join(layers), state, missing)
    Console().print(table, markup=False)
    total = sum(states.values())
    parts = ", ".join(f"{count} {name}" for name, count in states.items())
    sys.stdout.write(f"\n{total} cell{'' if total == 1 else 's'}: {parts}\n")


def used_roles(found: Surveyed) -> set[str]:
    """Groups that a job uses: a method that writes its own sentences has no concept set."""
    parts = found.parts
    if parts is None:
        return set(TOLD[:-1])
    used = {"method", "target", "probe", "scoring"} | (
        {"concepts"} if parts.uses_concepts else set()
    )
    optional = ("encoder", "segmenter", "captioner")
    return used | {role for role in optional if getattr(parts, role) is not None}


def _layers(found: Surveyed) -> list[str]:
    if found.planned:
        return [cell.layer for cell in found.planned.cells]
    return [str(layer) for layer in found.job.config.target.layers]


def _states(found: Surveyed, count: int) -> Counter[str]:
    if found.planned is None or not found.possible:
        return Counter({IMPOSSIBLE: count})
    return Counter(str(cell.state) for cell in found.planned.cells)


def said(job: Job, role: str) -> str:
    """What a job chose for a role, as on the command line: "clip_dissect wpmi"."""
    prefix = f"{role}.params."
    words = [job.choices.get(role) or str(job.config[role].name)]
    for text in job.overrides:
        key, _, value = text.lstrip("+").partition("=")
        if key.startswith(prefix):
            bare = value.isidentifier() and value not in ("true", "false", "null")
            words.append(value if bare else f"{key.removeprefix(prefix)}={value}")
    return " ".join(words)


def _show_lacks(lacks: Iterable[Lack], numbers: dict[Lack, int]) -> None:
    """Each missing thing, its size and what brings it."""
    for lack in lacks:
        size = f", {show_size(lack.bytes)}" if lack.bytes else ""
        own = "; a run with a connection fetches it by itself" if lack.automatic else ""
        near = f" (there is {', '.join(lack.near)})" if lack.near else ""
        where = f"{lack.where}: " if lack.where else ""
        sys.stdout.write(
            f"\n[{numbers[lack]}] {where}{lack.what}{size}{near}\n    {lack.cure}{own}\n"
        )


def _show_faults(surveyed: Sequence[Surveyed]) -> None:
    """What else stands in the way, each fault once."""
    for fault in dict.fromkeys(str(found.fault) for found in surveyed if found.fault):
        sys.stdout.write(f"\n{fault}\n")
