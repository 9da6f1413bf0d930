"""`dissectbench site`: pages of boards and of units, for a browser without a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.cli.board import read_board
from bench.errors import UserError
from bench.rescore import check_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leaderboards.naming import NamedCell
    from leaderboards.site.pictures import UnitPictures

EPILOG = """\
examples:
  dissectbench site results/glyphs --out site
  dissectbench site leaderboards/imagenet/records.tar.xz --out site --no-pictures
  dissectbench site results --out site runtime.device=cuda

Open OUT/index.html. A page of units shows their top images: where the cache does not hold them, the
network runs over the probe images again. Overrides are of runtime.*.
"""
_GENERATOR = '<meta name="generator" content="dissectbench site">'


def main(arguments: Sequence[str]) -> int:
    """Write a site; one that is there already is replaced."""
    options = parser("site", "Make pages of boards and units, opened from disk.", EPILOG)
    options.add_argument(
        "results",
        nargs="*",
        metavar="RESULTS|key=value",
        help="folders of records, or archives of them (results); and overrides",
    )
    options.add_argument("--out", type=Path, required=True, help="folder of the site")
    options.add_argument("--no-pictures", action="store_true", help="show no images of units")
    given = options.parse_intermixed_args(list(arguments))
    overrides = [text for text in given.results if "=" in text]
    _check_overrides(overrides)
    results = [Path(text) for text in given.results if "=" not in text] or [Path("results")]
    return make_site(results, given.out, overrides, pictures=not given.no_pictures)


def make_site(
    results: Sequence[Path], out: Path, overrides: Sequence[str] = (), *, pictures: bool = True
) -> int:
    """Make the site of `results` in `out`."""
    from bench.files import atomic_folder, writing
    from leaderboards.site.render import write_site

    out = out.expanduser().absolute()
    roots = " ".join(root.as_posix() for root in results)
    _refuse_other_content(out)
    with (
        read_board(results, f"dissectbench site {roots} --out {out.name}") as (board, _),
        writing(out, "--out"),
        atomic_folder(out) as folder,
    ):
        count = write_site(board, folder, _finder(overrides) if pictures else _no_pictures)
    sys.stdout.write(f"wrote {count} files: {out / 'index.html'}\n")
    return 0


def _check_overrides(overrides: Sequence[str]) -> None:
    """Refuse settings other than those of `runtime`.

    Raises:
        UserError: There is one.
    """
    check_settings(overrides)
    for text in overrides:
        if not text.lstrip("+").startswith("runtime."):
            raise UserError(
                f"{text.partition('=')[0]!r} changes no page",
                where=text,
                hint="site takes runtime.*",
            )


def _refuse_other_content(out: Path) -> None:
    """Refuse a folder that holds anything but an earlier site.

    Raises:
        UserError: It does.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    index = out / "index.html"
    if (
        index.is_file()
        and _GENERATOR in index.read_text(encoding="utf-8", errors="replace")[:2_000]
    ):
        return
    raise UserError(
        f"{out} exists and is no site",
        where="--out",
        hint="give a new folder; only an earlier site is replaced",
    )


def _finder(overrides: Sequence[str]) -> Callable[[NamedCell], UnitPictures | str]:
    from bench.pictures import PictureFinder

    return PictureFinder(overrides).find


def _no_pictures(_: NamedCell) -> str:
    return "the site was made with --no-pictures"
