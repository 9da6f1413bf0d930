"""`python -m bench.speed.timings`: the documentation's page of timings, made from the records."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.files import write_atomic
from bench.speed.keep import OUT
from bench.speed.timings_page import render

PAGE = Path("docs/timings.md")


def main() -> int:
    """Write the page; with --check only say whether it follows from the records."""
    options = argparse.ArgumentParser(prog="python -m bench.speed.timings", description=__doc__)
    options.add_argument("--records", type=Path, default=OUT, help="folder of the JSON files")
    options.add_argument("--page", type=Path, default=PAGE)
    options.add_argument("--check", action="store_true", help="compare, write nothing")
    given = options.parse_args()
    page = render(given.records)
    if given.check:
        same = given.page.is_file() and given.page.read_text(encoding="utf-8") == page
        sys.stdout.write(f"{given.page}: {'as the records say' if same else 'out of date'}\n")
        return 0 if same else 1
    given.page.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(given.page, page)
    sys.stdout.write(f"{given.page}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
