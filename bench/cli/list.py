"""`dissectbench list`: names that the command line accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.cli.arguments import parser
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.parts.registry import Registry

KINDS = (
    "methods", "targets", "truths", "probes", "concepts", "encoders", "segmenters", "captioners",
    "language_models", "generators", "sentences", "metrics", "experiments",
)  # fmt: skip
SETTINGS = {"truths": "target.truth.name", "sentences": "scoring.sentence.name"}
"""Kinds that a setting chooses, without a config group."""
GROUPS = {
    "methods": "method",
    "targets": "target",
    "probes": "probe",
    "concepts": "concepts",
    "encoders": "encoder",
    "segmenters": "segmenter",
    "captioners": "captioner",
    "language_models": "language_model",
    "generators": "generator",
    "experiments": "experiment",
}


def main(arguments: Sequence[str]) -> int:
    """Print one table per kind, with names and one-line summaries."""
    options = parser("list", "List the names that the command line accepts.")
    options.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    kinds = options.parse_args(arguments).kinds or list(KINDS)
    for kind in kinds:
        if kind not in KINDS:
            raise UserError(
                f"unknown kind {kind!r}",
                valid=nearest(kind, KINDS),
                hint=f"choose from: {', '.join(KINDS)}",
            )
    from rich.table import Table

    from bench.cli.console import Console

    console = Console()
    for kind in kinds:
        table = Table(title=_title(kind), title_justify="left", box=None, pad_edge=False)
        table.add_column("name", style="bold", no_wrap=True)
        table.add_column("what it is", overflow="fold")
        for name, summary in rows(kind):
            table.add_row(name, summary)
        console.print(table, markup=False)
        console.print()
    return 0


def rows(kind: str) -> list[tuple[str, str]]:
    """Return (name, summary) of all parts or choices of a kind, sorted by name."""
    if kind == "metrics":
        from metrics.catalog import METRICS, VARIANTS
        from metrics.faithfulness_scores import REPORTED, TITLES

        return [
            *((name, metric.meaning) for name, metric in METRICS.items()),
            *VARIANTS.items(),
            *(
                (name, f"Faithfulness: {title}{'' if name in REPORTED else '; not on boards'}.")
                for name, title in TITLES.items()
            ),
        ]
    from bench.parts.catalog import BY_GROUP, SENTENCES, TRUTHS

    if kind in SETTINGS:
        plain: Registry[Any] = TRUTHS if kind == "truths" else SENTENCES
        return [(name, str(plain.get(name).summary)) for name in plain.names()]
    from bench.parts.choice import CONF, choices

    group = GROUPS[kind]
    found = {name: _comment(path) for name, path in choices(group, CONF).items()}
    if group in BY_GROUP:
        registry = BY_GROUP[group]
        for name in registry.names():
            if name not in found:
                found[name] = str(registry.get(name).summary)
    return sorted(found.items())


def _title(kind: str) -> str:
    setting = {**GROUPS, **SETTINGS}.get(kind)
    return f"{kind} ({setting}=...)" if setting else kind


def _comment(path: Path) -> str:
    """Return the first sentence of a YAML file's comments, the summary of the choice."""
    words: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line[1:].strip() if line.startswith("#") else ""
        if text.startswith("@package") or not (text or words):
            continue
        words.append(text)
        if not text or text.endswith((".", "?")):
            break
    return " ".join(words).strip()
