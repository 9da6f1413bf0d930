"""`python -m bench.speed`: compare, print the table, and keep it under the hardware's name."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from baselines.similarity_parameters import SIMILARITIES
from bench.files import write_atomic
from bench.speed.keep import OUT, parse
from bench.speed.naming import slug


def main() -> int:
    """Run the comparison."""
    options = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    options.add_argument("--images", type=int, default=50_000)
    options.add_argument("--units", type=int, default=1_000)
    options.add_argument("--concepts", type=int, default=20_000)
    options.add_argument("--width", type=int, default=512, help="numbers of an embedding")
    options.add_argument("--loop-units", type=int, default=20, help="units for rank_reorder")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--device", default="cpu")
    options.add_argument("--functions", nargs="+", choices=SIMILARITIES, default=SIMILARITIES)
    options.add_argument("--out", type=Path, default=OUT, help="folder of the results")
    given = parse(options)

    from bench.environment import environment, hardware
    from bench.speed.compare import Shape, compare
    from bench.speed.rates import measure_rates
    from bench.speed.table import render

    shape = Shape(given.images, given.units, given.concepts, given.width)
    rows = []
    for row in compare(
        shape,
        given.device,
        functions=given.functions,
        loop_units=given.loop_units,
        repeats=given.repeats,
    ):
        rows.append(row.record())
        sys.stderr.write(f"{row.function} from {row.given}: {row.ratio:.2f} x\n")
    found = hardware(given.device)
    content: dict[str, Any] = {
        "schema": 1,
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "hardware": found,
        "environment": environment(given.device),
        "shape": shape.__dict__,
        "repeats": given.repeats,
        "rates": measure_rates(given.device),
        "rows": rows,
    }
    name = slug(found)
    rows += _kept(given.out / f"{name}.json", content)
    rows.sort(key=lambda row: (row["given"], SIMILARITIES.index(row["function"])))
    write_atomic(given.out / f"{name}.json", json.dumps(content, indent=1, sort_keys=True) + "\n")
    page = render(content)
    write_atomic(given.out / f"{name}.md", page)
    sys.stdout.write(page)
    return 0


def _kept(file: Path, content: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of an earlier run of equal sizes that this run did not measure anew."""
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if before.get("shape") != content["shape"] or before.get("repeats") != content["repeats"]:
        return []
    new = {(row["function"], row["given"]) for row in content["rows"]}
    return [row for row in before["rows"] if (row["function"], row["given"]) not in new]


if __name__ == "__main__":
    raise SystemExit(main())
