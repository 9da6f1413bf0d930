"""The comparison of the formula search as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def render(content: Mapping[str, Any]) -> str:
    """Markdown of one machine's results.

    Args:
        content: As in the JSON file beside the page.
    """
    found, shape = content["hardware"], content["shape"]
    ours, plain = content["ours"], content["plain"]
    pixels = shape["images"] * shape["side"] ** 2
    ratio = plain["search_s_per_unit"] / ours["same_search_s_per_unit"]
    where = f"{found['cpu']}, {found['threads']} threads"
    lines = [
        f"# Compositional explanations on {where}",
        "",
        (
            f"{shape['concepts']:,} concepts on {shape['images']:,} images with masks of "
            f"{shape['side']} x {shape['side']}, {shape['labels_per_image']:.1f} labels an image, "
            "made up with as many planes and regions as Broden's images have. The plain loop keeps "
            "masks as runs of pixels, and merges them for each formula of the beam, concept and "
            "operator (compiled, on one thread). Ours keeps the sizes of the distinct label sets, "
            f"here {ours['cells']:,}, and gets all concepts from one pass over them. Both searched "
            f"the same {plain['units']} unit(s) to the end, with the published rule for the beam "
            "(5 formulas, 3 labels at most), and found the same formulas and scores, bit by bit. "
            f"Medians of {content['repeats']} run(s) of ours, one run of the plain loop. "
            f"Made on {content['made']} by `python -m bench.speed.composition`."
        ),
        "",
        "| | plain loop | ours | ratio |",
        "| :-- | --: | --: | --: |",
        (
            "| search, seconds per unit, one thread | "
            f"{plain['search_s_per_unit']:.1f} | {ours['same_search_s_per_unit']:.4f} | "
            f"**{ratio:,.0f}x** |"
        ),
        (
            f"| masks as held | {_size(plain['held_bytes'])} | {_size(ours['held_bytes'])} | "
            f"{plain['held_bytes'] / ours['held_bytes']:.0f}x |"
        ),
        (
            "| making the masks ready, seconds, once for all units | "
            f"{plain['prepare_s']:.1f} | {ours['prepare_s']:.1f} (with the pixels of "
            f"{shape['units']} units) | |"
        ),
        (
            "| most memory meanwhile, above the inputs | "
            f"{_size(plain['prepare_bytes'])} | {_size(ours['prepare_bytes'])} | |"
        ),
        "",
        (
            f"With its own rule (every mask in the beam once) ours takes "
            f"{ours['search_s_per_unit']:.4f} s per unit on one thread, over {shape['units']} "
            f"units, and {ours['search_s_per_unit_in_threads']:.4f} s on {ours['threads']}. "
            f"One bit per concept and pixel would be {_size(shape['concepts'] * pixels // 8)}; "
            f"the plain loop's runs are {plain['runs']:,}."
        ),
        "",
    ]
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if abs(count) >= 1e8 else f"{count / 1e6:.1f} MB"
