"""The comparison with the authors' functions as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.speed.naming import title

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = (
    "function",
    "official, seconds / units",
    "ours",
    "plain loop",
    "official / ours",
    "official / plain loop",
    "CPU seconds, official",
    "ours",
    "plain loop",
    "official / ours",
    "official / plain loop",
    "max difference",
)


def render(content: Mapping[str, Any]) -> str:
    """Markdown of one machine's results.

    Args:
        content: As in the JSON file beside the page.
    """
    hardware, shape, file = content["hardware"], content["shape"], content["file"]
    where = title(hardware)
    lines = [
        f"# CLIP-Dissect's own functions on {where}",
        "",
        (
            f"{shape['images']:,} images x {shape['concepts']:,} concepts, the matrix given. "
            f"The authors' functions are those of `{file['name']}` (sha256 {file['sha256'][:16]}), "
            "as they are. They, ours and the plain loops of the other comparison ran in turns in "
            f"one process; medians of {content['repeats']} run(s). CPU seconds are those of all "
            "threads, which hold where other work shares the machine. Ratios are of the seconds "
            "per unit: over 1, the authors' function is the slower one. Differences are the "
            "greatest of a score of theirs and ours. "
            f"Made on {content['made']} by `python -m bench.speed.official --file similarity.py`."
        ),
        "",
        "| " + " | ".join(_HEADER) + " |",
        "| :-- |" + " --: |" * (len(_HEADER) - 1),
    ]
    for row in content["rows"]:
        cells = [row["function"]]
        for kind in ("s", "cpu_s"):
            sides = ("official", "ours", "plain")
            cells += [f"{row[f'{side}_{kind}']:.2f} s / {row[f'{side}_units']}" for side in sides]
            cells += [f"**{_ratio(row, 'ours', kind)}**", _ratio(row, "plain", kind)]
        difference = row["difference"]
        cells.append("—" if difference is None else f"{difference:.1e}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _ratio(row: Mapping[str, Any], side: str, kind: str) -> str:
    theirs, other = (row[f"{one}_{kind}"] / row[f"{one}_units"] for one in ("official", side))
    return f"{theirs / max(other, 1e-9):.2f}x"
