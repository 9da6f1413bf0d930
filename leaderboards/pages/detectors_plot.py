"""A picture of unique detectors by category, for each method and layer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from leaderboards.detectors import ALL

if TYPE_CHECKING:
    import pandas as pd

_DPI = 120
MIXED = "mixed"


def draw_detectors(found: pd.DataFrame) -> bytes:
    """Draw one panel per network, layer and probe set, with a bar per category and method.

    Args:
        found: `leaderboards.detectors.detectors_frame`, not empty.

    Returns:
        A PNG file.
    """
    import matplotlib as mpl

    mpl.use("Agg")  # works without a screen
    import seaborn as sns
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    shown = found[found["category"] != ALL].copy()
    several = shown["probe"].nunique() > 1
    # One line each: long names would run into the title of the next panel.
    shown["panel"] = shown["target"] + "\n" + shown["layer"] + " (" + shown["map_size"] + ")"
    if several:
        shown["panel"] += "\n" + shown["probe"]
    shown["named"] = shown["method"] + " (given " + shown["given"] + ")"
    # "mixed" is not a category of masks, so it comes last.
    categories = sorted(dict.fromkeys(shown["category"]), key=lambda name: name == MIXED)
    names = list(dict.fromkeys(shown["named"]))
    palette = sns.color_palette("colorblind", len(names))
    panels = list(dict.fromkeys(shown["panel"]))
    with sns.axes_style("whitegrid"), sns.plotting_context("paper"):
        grid = sns.catplot(
            shown,
            kind="bar",
            x="category",
            y="unique_detectors",
            order=categories,
            hue="named",
            col="panel",
            col_order=panels,
            col_wrap=min(3, len(panels)),
            hue_order=names,
            palette=palette,
            saturation=1,
            errorbar=None,
            height=2.4,
            aspect=1.35,
            sharey=True,
            legend=False,
        )
        grid.set_titles("{col_name}")
        grid.set_axis_labels("", "unique detectors")
        for axes in grid.axes.flat:
            axes.tick_params(axis="x", rotation=0, labelbottom=True)
            axes.margins(y=0.12)
            for bars in axes.containers:
                shown_counts = [f"{bar:.0f}" if bar > 0 else "" for bar in bars.datavalues]
                axes.bar_label(bars, shown_counts, fontsize=6, padding=1)
        grid.tight_layout()
        handles = [Patch(color=colour) for colour in palette]
        grid.figure.legend(
            handles, names, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, frameon=False
        )
        buffer = io.BytesIO()
        grid.savefig(
            buffer, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None}
        )
        plt.close(grid.figure)
    return buffer.getvalue()
