"""`python -m bench.speed.timings`: write the documentation's page of timings from the records."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files import write_atomic
from bench.speed import page
from bench.speed.benchmarks import OUT, SUMMARIES, benchmark_of, command_of
from bench.speed.jobs import peak_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Row = Mapping[str, Any]

PAGE = Path("docs/timings.md")

NO_GPU = """\
No timing of a GPU has been committed yet: `make gpu` makes them on any CUDA machine within nine
minutes.
"""

REASONS = {"skipped": "was not run: no time was left", "started": "was interrupted"}


def main() -> int:
    """Write the page; with --check only compare it with the records."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.timings", description=__doc__)
    parser.add_argument("--records", type=Path, default=OUT, help="folder of the JSON files")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    text = render(options.records)
    if options.check:
        same = options.page.is_file() and options.page.read_text(encoding="utf-8") == text
        sys.stdout.write(f"{options.page}: {'up to date' if same else 'out of date'}\n")
        return 0 if same else 1
    write_atomic(options.page, text)
    sys.stdout.write(f"{options.page}\n")
    return 0


def render(records: Path) -> str:
    """Return the page for a folder of records and pages."""
    reports: dict[str, dict[str, Row]] = {}
    for file in sorted(records.glob("gpu-*.json")):
        report = json.loads(file.read_text(encoding="utf-8"))
        if gpu := report["hardware"]["gpu"]:
            reports.setdefault(gpu["name"], {})[report["part"]] = report
    gpus = [text for _, parts in sorted(reports.items()) for text in _render_gpu(parts)]
    links = []
    for file in sorted(records.glob("*.md")):
        name = benchmark_of(file)
        link = f"[{file.stem}](../leaderboards/speed/{file.name})"
        links.append(f"- {link}: {SUMMARIES[name]} (`python -m {command_of(name)}`)\n")
    template = (page.PAGES / "timings.md").read_text(encoding="utf-8")
    return template.format(gpus="".join(gpus or [NO_GPU]), links="".join(links))


def _render_gpu(reports: Mapping[str, Row]) -> Iterator[str]:
    """Yield the sections of the existing parts, in the order in which they ran."""
    yield page.fill("gpu", next(iter(reports.values()))) + "\n"
    for part, (title, make_lines) in SECTIONS.items():
        if part not in reports:
            continue
        facts, rows = reports[part]["facts"], reports[part]["rows"]
        yield f"\n#### {title}\n\n"
        if "skipped" in facts:
            yield f"Skipped: {facts['skipped']}.\n"
        elif rows:
            lines = [line for row in rows if row["status"] == "ok" for line in make_lines(row)]
            workers = facts.get("setting", {}).get("workers")
            yield page.fill(f"gpu_{part}", {"workers": workers, **facts, "lines": lines})
        else:
            yield "Ended before anything was measured.\n"
        for row in rows:
            if row["name"] == "labels" and row["status"] == "ok":
                layers = ("{layer} {differ} of {units}".format(**each) for each in row["layers"])
                yield "\nUnits whose label differs between the two precisions: "
                yield f"{', '.join(layers)}.\n"
        for row in rows:
            if row["status"] != "ok":
                error = row.get("error", "").partition("\n")[0]
                yield f"\n`{row['name']}` {REASONS.get(row['status'], f'failed ({error})')}.\n"
        yield from (f"\n{remark}\n" for remark in facts.get("remarks", ()))


def _agreement(row: Row) -> Iterator[Row]:
    names = ("relative_difference", "largest_difference", "numbers_differ")
    value = next((row[name] for name in names if name in row), None)
    pattern = ".1e" if isinstance(value, float) and value else ",.0f"
    yield {
        **row,
        "difference": None if value is None else format(value, pattern),
        "agrees": {True: "yes", False: "**no**", None: None}[row.get("agrees")],
    }


def _function(row: Row) -> Iterator[Row]:
    yield row if row["least_products"] else {**row, "share_of_product_rate": None}


def _cell(row: Row) -> Iterator[Row]:
    if "phases" in row:
        seconds = {f"{phase['name']}_s": phase["wall_s"] for phase in row["phases"]}
        yield {**row.get("bound_by", {}), **seconds, **row, **_peaks(row)}


def _method(row: Row) -> Iterator[Row]:
    yield from ({**row, **_peaks(row), **layer} for layer in row["layers"])


def _operations(row: Row) -> Iterator[Row]:
    for operation in row["operations"][:5]:
        yield {"run": row["name"], **operation, "name": operation["name"][:70].replace("|", "/")}


def _peaks(row: Row) -> dict[str, int | None]:
    return {kind: peak_memory(row["phases"], kind) for kind in ("device", "host")}


SECTIONS = {
    "agreement": ("Results on the GPU compared with the CPU", _agreement),
    "functions": ("Similarity functions", _function),
    "cell": ("The five-layer cell of CLIP-Dissect", _cell),
    "methods": ("Every method", _method),
    "operations": ("The most expensive operations on the device", _operations),
}
"""Title of each part, and the function that makes the lines of its table from a row."""


if __name__ == "__main__":
    raise SystemExit(main())
