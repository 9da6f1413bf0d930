"""`dissectbench verify`: recompute the numbers of records from their labels up."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.arguments import parser
from bench.errors import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leaderboards.verify.findings import Findings

EPILOG = """\
examples:
  dissectbench verify results/glyphs
  dissectbench verify leaderboards/glyphs/records.tar.xz
  dissectbench verify results/glyphs/clip_dissect/0a1b2c3d4e5f6071 --embed --rerun
  dissectbench verify leaderboards/glyphs/records.tar.xz --add-hashes

Exit codes: 0 all records agree with their recomputation, 1 some record differs.
"""

_SHOWN = 10
"""Mismatches that are printed for a record."""


def main(arguments: Sequence[str]) -> int:
    """Verify records, and print what differs and what is taken on trust."""
    options = parser("verify", "Recompute the numbers of records from their labels up.", EPILOG)
    options.add_argument(
        "records",
        nargs="+",
        type=Path,
        metavar="RECORD|RESULTS|ARCHIVE",
        help="records, folders of records, or archives of them",
    )
    options.add_argument(
        "--embed", action="store_true", help="recompute cosines with the models that judged"
    )
    options.add_argument(
        "--rerun", action="store_true", help="make the labels anew in a temporary folder"
    )
    options.add_argument(
        "--add-hashes",
        action="store_true",
        help="bring records of older releases up to date, if they agree",
    )
    given = options.parse_args(arguments)

    from bench.verification.seal import add_hashes, verify_all

    findings: list[Findings] = []
    for path in given.records:
        if given.add_hashes:
            findings += add_hashes(path, embed=given.embed, rerun=given.rerun)
        else:
            findings += verify_all([path], embed=given.embed, rerun=given.rerun)
    return report(findings)


def report(findings: Iterable[Findings], *, every: bool = True) -> int:
    """Print the findings of records and a summary; return 1 if some record differs.

    Args:
        findings: Of each record.
        every: Also print records that agree.
    """
    listed = list(findings)
    trusted: Counter[str] = Counter()
    for found in listed:
        trusted.update(f"{what} ({why})" for what, why in found.trusted)
        state = "differs" if found.mismatches else "agrees"
        parts = "; ".join(dict.fromkeys(what for what, _ in found.trusted))
        if every or found.mismatches:
            suffix = f"; on trust: {parts}" if parts and every else ""
            sys.stdout.write(f"{found.where}: {state}{suffix}\n")
        shown = map(escape_controls, found.mismatches[:_SHOWN])
        sys.stdout.writelines(f"  {message}\n" for message in shown)
        if len(found.mismatches) > _SHOWN:
            sys.stdout.write(f"  and {len(found.mismatches) - _SHOWN} more differences\n")
    differing = sum(bool(found.mismatches) for found in listed)
    if every or differing:
        sys.stdout.write(
            f"{_records(len(listed))}: {len(listed) - differing:,} agree, {differing:,} differ\n"
        )
    if every:
        sys.stdout.writelines(
            f"on trust in {_records(count)}: {what}\n" for what, count in trusted.most_common()
        )
    return 1 if differing else 0


def _records(count: int) -> str:
    return f"{count:,} record" if count == 1 else f"{count:,} records"
