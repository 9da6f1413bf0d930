"""The tables of one GPU, from the JSON files of `make gpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.speed import page
from bench.speed.jobs import peak_memory
from bench.speed.page import number, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

REASONS = {"skipped": "was not run: no time was left", "started": "was interrupted"}


def render_parts(reports: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the sections of the existing parts, in the order in which they ran."""
    parts = {
        "agreement": ("Results on the GPU compared with the CPU", _agreement),
        "functions": ("Similarity functions", _functions),
        "cell": ("The five-layer cell of CLIP-Dissect", _cell),
        "methods": ("Every method", _methods),
        "operations": ("The most expensive operations on the device", _operations),
    }
    for part, (title, render) in parts.items():
        if part not in reports:
            continue
        report = reports[part]
        facts = report["facts"]
        yield f"\n#### {title}\n\n"
        if "skipped" in facts:
            yield f"Skipped: {facts['skipped']}.\n"
        elif report["rows"]:
            yield from render(facts, [row for row in report["rows"] if row["status"] == "ok"])
            yield from _missing_rows(report["rows"])
        else:
            yield "Ended before anything was measured.\n"
        yield from (f"\n{remark}\n" for remark in facts.get("remarks", ()))


def _missing_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["status"] != "ok":
            reason = REASONS.get(row["status"]) or f"failed ({row['error'].splitlines()[0]})"
            yield f"\n`{row['name']}` {reason}.\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = list(rows)
    return page.table(header, cells) + "\n" if cells else ""


def _agreement(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        f"Labels are compared if the CPU's best two scores differ by more than {facts['clear']:g}. "
        "Differences of scores are shares of 1 + their size, those of a network's outputs shares "
        "of the largest output; for counts, the number of differing numbers is given.\n\n"
    )
    yield _table(
        ("path", "numbers", "largest difference", "clear labels", "that differ", "agrees"),
        (
            (
                row["name"],
                number(row.get("numbers")),
                _difference(row),
                number(row.get("labels")),
                number(row.get("labels_differ")),
                {True: "yes", False: "**no**", None: "—"}[row.get("agrees")],
            )
            for row in rows
        ),
    )


def _difference(row: Mapping[str, Any]) -> str:
    names = ("relative_difference", "largest_difference", "numbers_differ")
    value = next((row[name] for name in names if name in row), None)
    return number(value, ".1e") if isinstance(value, float) and value else number(value, ",.0f")


def _functions(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shape, rates = facts["shape"], facts["rates"]
    yield (
        f"{shape['images']:,} images x {shape['concepts']:,} concepts, {shape['units']:,} units; "
        f"milliseconds between CUDA events, medians of {facts['repeats']}. The card copies "
        f"{rates['copy_gb_per_s']:,.0f} GB/s (read and written) and multiplies float32 matrices at "
        f"{rates['matmul_gflop_per_s'] / 1000:.1f} TFLOP/s. Shares are of these rates: of the "
        "bytes that a function has to move at least (the whole matrix if it is given, since scores "
        "that are not finite are refused), and of the multiplications and additions of its matrix "
        "products. The plain loop of rank_reorder ran on fewer units: ratios are per unit.\n\n"
    )
    yield _table(
        ("function", "given", "plain, ms / units", "ours, ms / units", "ratio", "of copy rate",
         "of product rate", "memory plain", "ours", "difference"),
        (
            (
                row["function"],
                row["given"],
                f"{1000 * row['plain_s']:,.1f} / {row['plain_units']:,}",
                f"{1000 * row['ours_s']:,.1f} / {row['units']:,}",
                f"**{row['ratio']:.1f}x**",
                _percent(row["share_of_copy_rate"]),
                _percent(row["share_of_product_rate"]) if row["least_products"] else "—",
                size(row["plain_bytes"]),
                size(row["ours_bytes"]),
                number(row["difference"], ".1e"),
            )
            for row in rows
        ),
    )  # fmt: skip


def _cell(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    setting = facts["setting"]
    yield (
        f"From JPEG files of 224 x 224 pixels to labels: {setting['arch']} "
        f"({', '.join(setting['layers'])}), {setting['encoder']}, {setting['concepts']:,} "
        f"concepts, batches of {setting['batch_size']}, "
        f"{facts.get('workers', setting['workers'])} decoding threads. The concurrent parts of "
        "`gather` are shown separately: decoding as its threads' seconds divided by their number, "
        "the networks as the device's seconds.\n\n"
    )
    yield _table(
        ("run", "images", "images/s", "gather, s", "decoding", "target", "encoder", "text, s",
         "match, s", "GPU memory", "host memory"),
        (
            (
                row["name"],
                f"{row['images']:,}",
                f"{row['images_per_s']:,.0f}",
                _wall_seconds(row, "gather"),
                *(
                    number(row.get("bound_by", {}).get(part), ".2f")
                    for part in ("decoding", "target", "encoder")
                ),
                _wall_seconds(row, "text"),
                _wall_seconds(row, "match"),
                size(peak_memory(row["phases"], "device")),
                size(peak_memory(row["phases"], "host")),
            )
            for row in rows
            if "phases" in row
        ),
    )  # fmt: skip
    for row in rows:
        if row["name"] == "labels":
            layers = ", ".join(
                f"{layer['layer']} {layer['differ']} of {layer['units']}" for layer in row["layers"]
            )
            yield f"\nUnits whose label differs between the two precisions: {layers}.\n"


def _methods(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        f"{facts['images']:,} images with masks, {facts['concepts']:,} concepts; layers "
        f"{', '.join(facts['layers'])}. `cold` is the whole cost of a cell with an empty cache "
        "(evidence that layers share counts fully); `match` is the method's own part. "
        f"{facts['note'][0].upper()}{facts['note'][1:]}.\n\n"
    )
    yield _table(
        ("method", "network", "layer", "units", "alive", "cold, s", "match, s", "ms per unit",
         "GPU memory"),
        (
            (
                row["method"],
                row["arch"],
                layer["layer"],
                f"{layer['units']:,}",
                _percent(layer["alive"]),
                number(layer["cold_total_s"], ".2f"),
                number(layer["match_s"], ".2f"),
                f"{1000 * layer['match_s_per_unit']:.2f}",
                size(peak_memory(row["phases"], "device")),
            )
            for row in rows
            for layer in row["layers"]
        ),
    )  # fmt: skip


def _operations(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        f"Runs over {facts['images']:,} images, by torch's profiler: the first five of the "
        f"{facts['shown']} in the record.\n\n"
    )
    yield _table(
        ("run", "operation", "calls", "ms", "share"),
        (
            (
                row["name"],
                f"`{operation['name'][:70].replace('|', '/')}`",
                f"{operation['calls']:,}",
                f"{operation['ms']:,.1f}",
                _percent(operation["share"]),
            )
            for row in rows
            for operation in row["operations"][:5]
        ),
    )


def _wall_seconds(row: Mapping[str, Any], name: str) -> str:
    seconds = {phase["name"]: phase["wall_s"] for phase in row["phases"]}
    return number(seconds.get(name), ".2f")


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
