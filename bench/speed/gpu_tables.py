"""The tables of one card, from the JSON files of `make gpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

UNDONE = {"skipped": "was not run: no time was left", "started": "was cut off"}


def tables_of(sheets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The tables of all parts that there are, in the order in which they ran.

    Args:
        sheets: Content of the files by part.
    """
    makers = {
        "agreement": ("Results on the GPU against those on the CPU", _agreement),
        "functions": ("Similarity functions", _functions),
        "cell": ("The five-layer cell of CLIP-Dissect", _cell),
        "methods": ("Every method", _methods),
        "operations": ("The most expensive operations on the device", _operations),
    }
    lines = []
    for part, (title, make) in makers.items():
        if part in sheets:
            lines.append(f"\n#### {title}\n\n")
            facts = sheets[part]["facts"]
            if "skipped" in facts:
                lines.append(f"Skipped: {facts['skipped']}.\n")
            elif sheets[part]["rows"]:
                lines += make(sheets[part])
            else:
                lines.append("Ended before anything was measured.\n")
            lines += [f"\n{remark}\n" for remark in facts.get("remarks", ())]
    return lines


def _agreement(sheet: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Labels are compared where the CPU's best two scores differ by more than "
        f"{sheet['facts']['clear']:g}. Differences of scores are shares of 1 + their size, those "
        "of a network's outputs shares of the largest; of counts, so many numbers differ.\n\n"
    )
    yield from _table(
        ("path", "numbers", "largest difference", "clear labels", "that differ", "agrees"),
        (
            (
                row["name"],
                _count(row.get("numbers")),
                _scientific(_difference(row)),
                _count(row.get("labels")),
                _count(row.get("labels_differ")),
                {True: "yes", False: "**no**", None: "—"}[row.get("agrees")],
            )
            for row in _done(sheet)
        ),
    )
    yield from _undone(sheet)


def _difference(row: Mapping[str, Any]) -> Any:
    names = ("relative_difference", "largest_difference", "numbers_differ")
    return next((row[name] for name in names if name in row), None)


def _functions(sheet: Mapping[str, Any]) -> Iterator[str]:
    shape, rates = sheet["facts"]["shape"], sheet["facts"]["rates"]
    yield (
        f"{shape['images']:,} images x {shape['concepts']:,} concepts, {shape['units']:,} units; "
        f"milliseconds between CUDA events, medians of {sheet['facts']['repeats']}. The card "
        f"copies {rates['copy_gb_per_s']:,.0f} GB/s (read and written) and multiplies float32 "
        f"matrices at {rates['matmul_gflop_per_s'] / 1000:.1f} TFLOP/s. Shares are of these: of "
        "the bytes that a function has to move at least (the whole matrix where it is given: a "
        "score that is not finite is refused), and of the multiplications and additions of its "
        "matrix products. The plain loop of rank_reorder ran on fewer units: ratios are per "
        "unit.\n\n"
    )
    yield from _table(
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
                _size(row["plain_bytes"]),
                _size(row["ours_bytes"]),
                _scientific(row["difference"]),
            )
            for row in _done(sheet)
        ),
    )  # fmt: skip
    yield from _undone(sheet)


def _cell(sheet: Mapping[str, Any]) -> Iterator[str]:
    setting = sheet["facts"]["setting"]
    yield (
        f"From JPEG files of 224 x 224 pixels to labels: {setting['arch']} "
        f"({', '.join(setting['layers'])}), {setting['encoder']}, {setting['concepts']:,} "
        f"concepts, batches of {setting['batch_size']}, "
        f"{sheet['facts'].get('workers', setting['workers'])} decoding threads. "
        "What runs side by side in `gather` is shown by itself: decoding as its threads' seconds "
        "divided by their number, the networks as the device's seconds.\n\n"
    )
    rows = [row for row in _done(sheet) if "phases" in row]
    yield from _table(
        ("run", "images", "images/s", "gather, s", "decoding", "target", "encoder", "text, s",
         "match, s", "GPU memory", "host memory"),
        (
            (
                row["name"],
                f"{row['images']:,}",
                f"{row['images_per_s']:,.0f}",
                *_phase_seconds(row, "gather"),
                *(_bound(row, part) for part in ("decoding", "target", "encoder")),
                *_phase_seconds(row, "text", "match"),
                _size(_peak(row, "peak_device_bytes")),
                _size(_peak(row, "peak_host_bytes")),
            )
            for row in rows
        ),
    )  # fmt: skip
    for row in _done(sheet):
        if row["name"] == "labels":
            told = ", ".join(
                f"{one['layer']} {one['differ']} of {one['units']}" for one in row["layers"]
            )
            yield f"\nUnits whose label differs between the two precisions: {told}.\n"
    yield from _undone(sheet)


def _methods(sheet: Mapping[str, Any]) -> Iterator[str]:
    facts = sheet["facts"]
    yield (
        f"{facts['images']:,} images with masks, {facts['concepts']:,} concepts; layers "
        f"{', '.join(facts['layers'])}. `cold` is all that a cell needs from an empty cache (what "
        "layers share counted whole); `match` is the method's own part, without shared evidence. "
        f"{facts['note'][0].upper()}{facts['note'][1:]}.\n\n"
    )
    yield from _table(
        ("method", "network", "layer", "units", "alive", "cold, s", "match, s", "ms per unit",
         "GPU memory"),
        (
            (
                row["method"],
                row["arch"],
                layer["layer"],
                f"{layer['units']:,}",
                _percent(layer["alive"]),
                _seconds(layer["cold_total_s"]),
                _seconds(layer["match_s"]),
                f"{1000 * layer['match_s_per_unit']:.2f}",
                _size(_peak(row, "peak_device_bytes")),
            )
            for row in _done(sheet)
            for layer in row["layers"]
        ),
    )  # fmt: skip
    yield from _undone(sheet)


def _operations(sheet: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Of runs over {sheet['facts']['images']:,} images, by torch's profiler: the first five of "
        f"the {sheet['facts']['shown']} that the record holds.\n\n"
    )
    yield from _table(
        ("run", "operation", "calls", "ms", "share"),
        (
            (
                row["name"],
                f"`{operation['name'][:70].replace('|', '/')}`",
                f"{operation['calls']:,}",
                f"{operation['ms']:,.1f}",
                _percent(operation["share"]),
            )
            for row in _done(sheet)
            for operation in row["operations"][:5]
        ),
    )
    yield from _undone(sheet)


def _done(sheet: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in sheet["rows"] if row["status"] == "ok"]


def _undone(sheet: Mapping[str, Any]) -> Iterator[str]:
    """Name the rows that have no result, and why."""
    for row in sheet["rows"]:
        if row["status"] != "ok":
            why = UNDONE.get(row["status"]) or f"failed ({row['error'].splitlines()[0]})"
            yield f"\n`{row['name']}` {why}.\n"


def _table(header: Sequence[str], rows: Any) -> Iterator[str]:
    """A Markdown table whose first column is text; nothing where there are no rows."""
    body = [" | ".join(str(cell) for cell in row) for row in rows]
    if body:
        yield f"| {' | '.join(header)} |\n| :-- |{' --: |' * (len(header) - 1)}\n"
        yield from (f"| {line} |\n" for line in body)


def _phase_seconds(row: Mapping[str, Any], *names: str) -> list[str]:
    wall = {phase["name"]: phase["wall_s"] for phase in row["phases"]}
    return [_seconds(wall.get(name)) for name in names]


def _bound(row: Mapping[str, Any], part: str) -> str:
    return _seconds(row["bound_by"][part]) if "bound_by" in row else "—"


def _peak(row: Mapping[str, Any], key: str) -> int | None:
    found = [phase[key] for phase in row["phases"] if phase.get(key) is not None]
    return max(found, default=None)


def _count(value: Any) -> str:
    return "—" if value is None else f"{value:,}"


def _scientific(value: Any) -> str:
    if value is None:
        return "—"
    return "0" if value == 0 else f"{value:.1e}" if isinstance(value, float) else f"{value:,}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _size(count: int | None) -> str:
    if count is None:
        return "—"
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.0f} MB"
