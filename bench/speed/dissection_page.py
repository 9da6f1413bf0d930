"""The comparison of Network Dissection as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.speed.naming import title

if TYPE_CHECKING:
    from collections.abc import Mapping


def render(content: Mapping[str, Any]) -> str:
    """Markdown of one machine's results.

    Args:
        content: As in the JSON file beside the page.
    """
    found, sizes = content["hardware"], content["sizes"]
    where = title(found)
    lines = [
        f"# Network Dissection on {where}",
        "",
        (
            f"{sizes['images']:,} images, {sizes['units']:,} units, maps of {sizes['map']} x "
            f"{sizes['map']}, masks of {sizes['mask']} x {sizes['mask']} pixels, random ones with "
            "as many labels as Broden; a unit is active in "
            f"{100 * content['active_share']:.1f} % of the images. The plain loop resizes, "
            "compares and counts one unit of one image after the other, and leaves out images in "
            "which a unit is inactive; its thresholds come from all activations at once. Medians "
            f"of {content['repeats']} run(s), both sides in turns; CPU seconds are those of all "
            "threads, which hold where other work shares the machine. Memory is the peak above "
            f"the inputs. Made on {content['made']} by `python -m bench.speed.dissection`."
        ),
        "",
        "| part | plain loop | ours | ratio | CPU plain | ours | ratio | peak plain | ours | odd |",
        "| :-- |" + " --: |" * 9,
    ]
    lines += [f"| {row['part']} | " + " | ".join(_compared(row)) + " |" for row in content["rows"]]
    lines += [
        "",
        (
            "`odd` is in how many numbers the results differ; `netdissect` and "
            "`netdissect2020` are the methods as wholes, from maps to tables."
        ),
        "",
        "Memory does not grow with the number of images (the same 200 or fewer, again and again):",
        "",
        "| part | images | seconds | memory |",
        "| :-- |" + " --: |" * 3,
    ]
    for row in content["memory"]:
        cells = (
            row["part"],
            f"{row['images']:,}",
            f"{row['ours_s']:.2f}",
            _size(row["ours_bytes"]),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _compared(row: Mapping[str, Any]) -> tuple[str, ...]:
    ours, worked = f"{row['ours_s']:.2f} s", f"{row['ours_cpu_s']:.2f} s"
    size = _size(row["ours_bytes"])
    if row["plain_s"] is None:
        return "—", ours, "—", "—", worked, "—", "—", size, "—"
    return (
        f"{row['plain_s']:.2f} s",
        ours,
        f"**{row['plain_s'] / row['ours_s']:.1f}x**",
        f"{row['plain_cpu_s']:.2f} s",
        worked,
        f"{row['plain_cpu_s'] / row['ours_cpu_s']:.1f}x",
        _size(row["plain_bytes"]),
        size,
        str(row["differences"]),
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.0f} MB"
