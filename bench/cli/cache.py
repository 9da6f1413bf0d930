"""`dissectbench cache`: list, explain and prune the entries of the evidence cache."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.units import parse_size, parse_span, show_size, show_span
from bench.errors import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from bench.evidence.inventory import EntryInfo

DEFAULT = "results/.cache"

EPILOG = """\
examples:
  dissectbench cache ls
  dissectbench cache explain 232a08b1              every part of an entry's key
  dissectbench cache explain 232a08b1 9c4f0d7e     why there are two: the parts that differ
  dissectbench cache prune --older-than 30d --dry-run
"""


def main(arguments: Sequence[str]) -> int:
    """Run `ls`, `explain` or `prune`."""
    options = parser("cache", "List, explain and prune the entries of the evidence cache.", EPILOG)
    commands = options.add_subparsers(dest="command", required=True, metavar="ls|explain|prune")
    ls = commands.add_parser(
        "ls",
        help="all entries, least recently used first",
        description="List all entries, least recently used first.",
    )
    explain = commands.add_parser(
        "explain",
        help="the parts of a key; with two keys, the parts that differ",
        description="Show the parts of an entry's key, or the parts in which two keys differ.",
    )
    explain.add_argument("keys", nargs="+", metavar="KEY", help="first digits, as in `ls`")
    prune = commands.add_parser(
        "prune",
        help="delete entries, least recently used first",
        description="Delete entries, least recently used first, except those in use.",
    )
    amount = prune.add_mutually_exclusive_group()
    amount.add_argument("--to", metavar="SIZE", help="until this much is left, such as 5GB")
    amount.add_argument("--all", action="store_true", help="all entries that are not in use")
    amount.add_argument("--older-than", metavar="SPAN", help="unused for this long, such as 30d")
    prune.add_argument("--dry-run", action="store_true", help="only print what would be deleted")
    for command in (ls, explain, prune):
        command.add_argument(
            "--cache", type=Path, metavar="DIR",
            help=f"the cache folder ($DISSECTBENCH_CACHE, else {DEFAULT})",
        )  # fmt: skip
    given = options.parse_args(arguments)
    root = _root(given.cache)
    if given.command == "ls":
        return _ls(root)
    return _explain(root, given.keys) if given.command == "explain" else _prune(root, given)


def default_root() -> Path:
    """Return the default of `runtime.cache` (conf/runtime/default.yaml)."""
    return Path(os.environ.get("DISSECTBENCH_CACHE", DEFAULT)).expanduser()


def limit_gb() -> float:
    """Return the default of `runtime.cache_limit_gb`."""
    from bench.config.schema import RuntimeConfig

    return RuntimeConfig().cache_limit_gb


def _root(given: Path | None) -> Path:
    root = default_root() if given is None else given.expanduser()
    if not root.is_dir():
        raise UserError(
            f"there is no cache folder {root}",
            where="--cache" if given else "DISSECTBENCH_CACHE",
            hint="run something first (`dissectbench run`), or give the folder with --cache DIR",
        )
    return root


def _ls(root: Path) -> int:
    from bench.cli.cache_show import print_kind
    from bench.cli.console import Console
    from bench.evidence.inventory import list_entries

    entries = list_entries(root)
    console = Console()
    for kind in sorted({entry.kind for entry in entries}):
        print_kind(console, kind, [entry for entry in entries if entry.kind == kind])
    total = show_size(sum(entry.size for entry in entries))
    sys.stdout.write(
        f"{_count(entries)}, {total}, in {root}; runs keep it under {limit_gb():g} GB "
        "(runtime.cache_limit_gb, unless set)\n"
    )
    return 0


def _explain(root: Path, prefixes: Sequence[str]) -> int:
    from bench.cli.cache_show import print_differences, print_entry
    from bench.cli.console import Console
    from bench.evidence.inventory import list_entries

    if len(prefixes) > 2:
        raise UserError("more than two keys", where="KEY", hint="give one, or two to compare")
    entries = list_entries(root)
    chosen = [_choose(entries, prefix, root) for prefix in prefixes]
    console = Console()
    if len(chosen) == 1:
        print_entry(console, chosen[0])
        return 0
    for entry in chosen:
        if not entry.parts:
            raise UserError(
                f"the entry {entry.key[:12]} is {entry.state}: the parts of its key are not known",
                where="KEY",
                hint="run what needs it, which completes it; or delete it with `cache prune`",
            )
    print_differences(console, chosen[0], chosen[1])
    return 0


def _choose(entries: Sequence[EntryInfo], prefix: str, root: Path) -> EntryInfo:
    """Return the one entry whose key begins with `prefix`."""
    matches = [entry for entry in entries if entry.key.startswith(prefix.lower())]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise UserError(
            f"no entry's key begins with {prefix!r}",
            where="KEY",
            hint=f"list all entries with `dissectbench cache ls --cache {root}`",
        )
    raise UserError(
        f"{len(matches)} entries' keys begin with {prefix!r}",
        where="KEY",
        hint=f"give more digits: {', '.join(entry.key[:12] for entry in matches[:6])}",
    )


def _prune(root: Path, given: argparse.Namespace) -> int:
    from filelock import Timeout

    from bench.cli.cache_text import describe
    from bench.evidence.prune import GB, delete_leftovers, prune

    to_bytes, older = None, None
    if given.older_than is not None:
        older = parse_span(given.older_than, "--older-than")
    elif given.all:
        to_bytes = 0
    else:
        to_bytes = int(limit_gb() * GB) if given.to is None else parse_size(given.to, "--to")
    if not given.dry_run:
        delete_leftovers(root)
    try:
        report = prune(root, to_bytes=to_bytes, older_than_s=older, dry_run=given.dry_run)
    except Timeout as error:
        raise UserError(
            "another process is pruning this folder", where=str(root), hint="try again later"
        ) from error
    except OSError as error:
        raise UserError(
            f"the cache folder cannot be written to: {error.strerror or error}",
            where=str(root),
            hint="prune it as a user who may write to it",
        ) from error
    verb = "would delete" if given.dry_run else "deleted"
    now = time.time()
    for entry in report.removed:
        sys.stdout.write(
            f"{verb} {entry.kind} {entry.key[:12]}, {show_size(entry.size)}, "
            f"used {show_span(now - entry.used)} ago: {describe(entry)}\n"
        )
    for entry in report.in_use:
        sys.stdout.write(f"in use, kept: {entry.kind} {entry.key[:12]}, {show_size(entry.size)}\n")
    sys.stdout.write(
        f"{verb} {_count(report.removed)}, {show_size(report.freed)}; "
        f"{show_size(report.left)} left in {root}\n"
    )
    return 0


def _count(entries: Sequence[EntryInfo]) -> str:
    return f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
