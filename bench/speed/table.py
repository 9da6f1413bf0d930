"""A comparison as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.speed.naming import title

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = (
    "function",
    "given",
    "plain loop, seconds / units",
    "ours",
    "ratio per unit",
    "memory plain",
    "ours",
    "max difference",
)


def render(content: Mapping[str, Any]) -> str:
    """Markdown of one machine's results.

    Args:
        content: As in the JSON file beside the page.
    """
    found, shape, rates = content["hardware"], content["shape"], content["rates"]
    where = title(found)
    matrix = shape["images"] * shape["concepts"] * 4
    lines = [
        f"# Similarity functions on {where}",
        "",
        (
            f"{shape['images']:,} images x {shape['concepts']:,} concepts, embeddings of "
            f"{shape['width']} numbers; the matrix of images x concepts is {_size(matrix)}. "
            f"Medians of {content['repeats']} run(s). The two sides of a row ran one after the "
            "other in one process; rows may be of different runs. Memory is the peak above the "
            f"inputs. Made on {content['made']} by `python -m bench.speed`."
        ),
        "",
        "| " + " | ".join(_HEADER) + " |",
        "| :-- | :-- |" + " --: |" * (len(_HEADER) - 2),
    ]
    for row in content["rows"]:
        difference = "—" if row["difference"] is None else f"{row['difference']:.1e}"
        cells = (
            row["function"],
            row["given"],
            f"{row['plain_s']:.2f} s / {row['plain_units']:,}",
            f"{row['ours_s']:.2f} s / {row['units']:,}",
            f"**{row['ratio']:.1f}x**",
            _size(row["plain_bytes"]),
            _size(row["ours_bytes"]),
            difference,
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        (
            "This machine's own limits, as measured in the latest run: memory copies at "
            f"{rates['copy_gb_per_s']:.1f} GB/s, float32 matrix products at "
            f"{rates['matmul_gflop_per_s']:.0f} GFLOP/s, {rates['exp_float64_g_per_s']:.2f}e9 "
            f"float64 exponentials and {rates['log_float32_g_per_s']:.2f}e9 float32 logarithms "
            "a second."
        ),
        "",
    ]
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.0f} MB"
