"""The comparison of the search for sentences as a page."""

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
    hardware, sizes, found = content["hardware"], content["sizes"], content["found"]
    where = title(hardware)
    lines = [
        f"# Sentences for units on {where}",
        "",
        (
            f"{sizes['units']:,} units with {sizes['exemplars']} exemplars of "
            f"{sizes['features']:,} numbers, an LSTM of {sizes['hidden']}, {sizes['vocabulary']:,} "
            f"words, a beam of {sizes['beam']}, at most {sizes['max_length']} tokens; random "
            f"weights and features. The sentences have {found['mean_length']:.1f} words in the "
            "mean. The plain loop goes unit by unit, copies the features for each sentence of the "
            "beam and projects them to keys at every step, and its language model reads each "
            "sentence from its start; sentences of a beam are batched. Ours takes the units "
            "together, makes the keys once, does once what sentences with one beginning share, and "
            "leaves finished ones alone. The best sentence is the same for "
            f"{100 * found['same_best']:.0f} % of the units, scores differ by "
            f"{found['max_difference']:.0e} at most. Medians of {content['repeats']} run(s), both "
            "sides in turns; CPU seconds are those of all threads, which hold where other work "
            "shares the machine. Memory is the peak above the inputs. "
            f"Made on {content['made']} by `python -m bench.speed.captioning`."
        ),
        "",
        "| part | plain loop | ours | ratio | CPU plain | ours | ratio | peak plain | ours |",
        "| :-- |" + " --: |" * 8,
    ]
    for row in content["rows"]:
        cells = (
            row["part"],
            f"{row['plain_s']:.2f} s",
            f"{row['ours_s']:.2f} s",
            f"**{_ratio(row, 's')}**",
            f"{row['plain_cpu_s']:.2f} s",
            f"{row['ours_cpu_s']:.2f} s",
            _ratio(row, "cpu_s"),
            _size(row["plain_bytes"]),
            _size(row["ours_bytes"]),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _ratio(row: Mapping[str, Any], name: str) -> str:
    return f"{row[f'plain_{name}'] / max(row[f'ours_{name}'], 1e-9):.1f}x"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.0f} MB"
