"""`dissectbench board`: leaderboards from the records on disk."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.downloads.packages import find_package, pip_install
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leaderboards.board import Board

_RUN_FIRST = "run something first: `dissectbench run`"
EPILOG = """\
examples:
  dissectbench board results/glyphs --out boards/glyphs
  dissectbench board leaderboards/glyphs/records.tar.xz --out leaderboards/glyphs --check

It writes Markdown, CSV, LaTeX and figures; columns.csv says what each column of a table means.
"""


def main(arguments: Sequence[str]) -> int:
    """Write (or with --check compare) the tables of folders or archives of records."""
    options = parser("board", "Make leaderboards from the records on disk.", EPILOG)
    options.add_argument(
        "results",
        nargs="*",
        type=Path,
        default=[Path("results")],
        help="folders of records, or archives of them (`dissectbench pack`)",
    )
    options.add_argument("--out", type=Path, required=True, help="folder for the tables")
    options.add_argument(
        "--check",
        action="store_true",
        help="fail where the tables would change, or records differ from their recomputation",
    )
    options.add_argument(
        "--parquet", action="store_true", help="write the tables as Parquet too (needs pyarrow)"
    )
    given = options.parse_args(arguments)
    if given.parquet and find_package("pyarrow") is None:
        raise UserError(
            "Parquet files need the package pyarrow", where="--parquet", hint=pip_install("pyarrow")
        )
    return make_board(given.results, given.out, check=given.check, parquet=given.parquet)


def make_board(
    results: Sequence[Path], out: Path, *, check: bool = False, parquet: bool = False
) -> int:
    """Make the board of `results` in `out`; shared with `dissectbench demo`."""
    from bench.cli.console import Console
    from bench.files import writing
    from leaderboards.pages.console import print_board
    from leaderboards.pages.render import check_board, write_board

    roots = " ".join(root.as_posix() for root in results)
    command = f"dissectbench board {roots} --out {out.as_posix()}"
    differing = 0
    with read_board(results, command) as (board, folders):
        if check and board.n_records:
            from bench.cli.verify import report
            from bench.rescore import find_folders
            from bench.verification.records import verify_records

            differing = report(verify_records(find_folders(folders)), every=False)
    if check:
        changed = check_board(board, out)
        for name in changed:
            sys.stdout.write(f"{out / name}: differs from what the records give\n")
        return 1 if changed else differing
    with writing(out, "--out"):
        files = write_board(board, out, parquet=parquet)
    print_board(board, Console())
    sys.stdout.write("".join(f"wrote {file}\n" for file in files))
    return 0


@contextmanager
def read_board(results: Sequence[Path], command: str) -> Iterator[tuple[Board, list[Path]]]:
    """Read the board of folders and archives of records.

    Args:
        results: The folders and archives.
        command: The command to print on every file.

    Yields:
        The board, and the folders of its records; those of archives exist until the block ends.

    Raises:
        UserError: There is no record.
    """
    from bench.run.archive import record_folders
    from leaderboards.board import load_board
    from leaderboards.record import RecordError

    with record_folders(results) as folders:
        try:
            board = load_board(folders, command)
        except RecordError as error:
            raise UserError(str(error), hint=_RUN_FIRST) from error
        if not board.n_records and not board.problems:
            archives = [str(path) for root in results for path in sorted(root.rglob("*.tar.xz"))]
            raise UserError(
                f"there is no record under {' '.join(root.as_posix() for root in results)}",
                hint=f"give the archive: {', '.join(archives)}" if archives else _RUN_FIRST,
            )
        yield board, folders
