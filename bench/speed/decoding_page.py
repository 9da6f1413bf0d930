"""The comparison of decoders as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WORTH = 1.3
"""Times as fast as with Pillow that a decoder must make a pass to be offered as a setting."""


def render(content: Mapping[str, Any]) -> str:
    """Markdown of one machine's results.

    Args:
        content: As in the JSON file beside the page.
    """
    found, workers = content["hardware"], content["workers"]
    pillow = f"Pillow {content['pillow']}, torchvision {content['torchvision']}"
    threads = f"{workers} thread{'s' if workers > 1 else ''}"
    lines = [
        f"# Decoding on {found['cpu']}, {found['threads']} threads",
        "",
        (
            f"{content['timed']:,} JPEG files, {content['pixels']}, "
            f"{content['bytes_per_image'] / 1e3:.0f} KB each, {pillow}. "
            f"Medians of {content['repeats']} run(s), all rows of a table in turns. CPU "
            "milliseconds are of one thread, and hold where other work shares the machine. Made "
            f"on {content['made']} by `python -m bench.speed.decoding`."
        ),
        "",
        "Decoding alone:",
        "",
        *_rates(content["decoding"], threads),
        "",
        (
            "Decoded and prepared twice, as in a pass: 224 of 256 pixels, bilinear, for the "
            "target; 224 of 224, bicubic, for the encoder. `Quick views` do resizing, crop, "
            "conversion and normalisation in one compiled loop over what the crop keeps, with the "
            "very same numbers; the decoders below that row use them too. Draft mode decodes at a "
            "half, a quarter or an eighth of the size where both sides keep 256 pixels: other "
            "pixels, and a gain for large files alone:"
        ),
        "",
        *_rates(content["pass"], threads),
        "",
        _verdict(content["pass"]),
        "",
        "The steps, each on one thread; those with a lock hold up Python in all other threads:",
        "",
        *_table(
            ("step", "CPU ms", "lock"),
            (
                (row["part"], f"{1e3 * row['cpu_s']:.3f}", "yes" if row["lock"] else "no")
                for row in content["parts"]
            ),
        ),
        "",
        *_shares(content["parts"]),
        "",
        f"Pixels of {content['compared']:,} files beside Pillow's:",
        "",
        *_table(
            ("decoder", "kind", "files", "equal", "refused", "other size", "largest difference"),
            (
                (
                    row["decoder"],
                    row["kind"],
                    str(row["files"]),
                    f"{100 * row['equal'] / row['files']:.0f} %",
                    str(row["refused"]),
                    str(row["other_size"]),
                    str(row["largest"]),
                )
                for row in content["pixels_compared"]
            ),
            left=2,
        ),
        "",
    ]
    return "\n".join(lines)


def _rates(rows: Sequence[Mapping[str, Any]], threads: str) -> list[str]:
    first = rows[0]["cpu_s"]
    return _table(
        ("", "images/s, 1 thread", f"{threads}", "CPU ms an image", "by CPU time"),
        (
            (
                row["name"],
                f"{row['per_s_one_thread']:,.0f}",
                f"{row['per_s']:,.0f}",
                f"{1e3 * row['cpu_s']:.2f}",
                f"**{first / row['cpu_s']:.2f}x**",
            )
            for row in rows
        ),
    )


def _verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the other decoders would make of a pass; the second row is a pass as it is."""
    now, *others = rows[1:]
    gains = [(now["cpu_s"] / row["cpu_s"], row["name"]) for row in others]
    told = ", ".join(f"{gain:.2f} with {name}" for gain, name in gains)
    end = (
        "none is offered as a setting"
        if max(gains)[0] < WORTH
        else "that is worth a setting here, part of the key"
    )
    return (
        f"Times as fast as a pass with Pillow: {told}. A decoder is worth a setting from {WORTH}: "
        f"{end}."
    )


def _shares(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    cost: dict[str, float] = {row["part"]: row["cpu_s"] for row in parts}

    def sum_of(*ends: str) -> float:
        return sum(s for name, s in cost.items() if name.endswith(ends))

    decode = cost["open, decode, turn upright"]
    plain = {
        "decoding": decode,
        "resizing and crop": sum_of(": resize", ": crop"),
        "conversion and normalisation": sum_of("normalise"),
    }
    quick = {"decoding": decode, "the rest": sum_of("(a pass)")}
    locked = cost["open and read the header"] + 2 * cost["copy out of Pillow"]
    return [
        f"- By torchvision's transforms: {_told(plain)}.",
        f"- By quick views: {_told(quick)}.",
        (
            f"- Python's lock is held for {1e3 * locked:.2f} ms an image or more: however many "
            f"cores there are, a process prepares at most {1 / locked:,.0f} images/s."
        ),
    ]


def _told(costs: Mapping[str, float]) -> str:
    total = sum(costs.values())
    return ", ".join(f"{name} {100 * cost / total:.0f} %" for name, cost in costs.items())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    rule = "| " + " | ".join([":--"] * left + ["--:"] * (len(header) - left)) + " |"
    return [f"| {' | '.join(header)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]
