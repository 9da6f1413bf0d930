"""A picture of scores, and of the agreement of rankings, against the size of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from leaderboards.pages.figures import PAGE, palette, paper_style, printable, save
from leaderboards.pages.sensitivity import first_metric
from leaderboards.sensitivity import AGREEMENT, CURVE
from metrics.catalog import metric_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_LABELS = {"images": "probe images", "concepts": "candidate labels"}


def draw_sensitivity(found: pd.DataFrame) -> dict[str, bytes]:
    """Draw a row of two plots per panel: scores of the methods, and Kendall's tau.

    Args:
        found: `leaderboards.sensitivity.sensitivity_frame`, not empty.

    Returns:
        Files by name.
    """
    from matplotlib import pyplot as plt

    texts = ("target", "layer", "probe", "concepts", "method")
    found = first_metric(found)
    found = found.assign(**{name: found[name].map(printable) for name in texts})
    panels = [group for _, group in found.groupby(list(CURVE), sort=False)]
    with paper_style():
        colours = palette(sorted(found["method"].unique()))
        figure, grid = plt.subplots(
            len(panels), 2, figsize=(PAGE, 0.4 + 2.1 * len(panels)), squeeze=False,
            layout="constrained",
        )  # fmt: skip
        for (left, right), panel in zip(grid, panels, strict=True):
            _draw_scores(left, panel, colours)
            _draw_agreement(right, panel)
        lines: dict[str, Artist] = {}
        for axes in grid[:, 0]:
            handles, names = axes.get_legend_handles_labels()
            lines |= dict(zip(names, handles, strict=True))
            axes.get_legend().remove()
        figure.legend(
            list(lines.values()), list(lines), loc="outside upper center", ncols=3, frameon=False
        )
        return save(figure, "sensitivity")


def _draw_scores(
    axes: Axes, panel: pd.DataFrame, colours: dict[str, tuple[float, float, float]]
) -> None:
    import seaborn as sns

    sns.lineplot(
        panel, x="size", y="mean", hue="method", hue_order=list(colours), palette=colours,
        style="method", style_order=list(colours), dashes=False, markers=True, ax=axes,
    )  # fmt: skip
    for method, colour in colours.items():
        own = panel[panel["method"] == method]
        sizes = own["size"].astype(int)
        axes.fill_between(sizes, own["low"], own["high"], color=colour, alpha=0.2, lw=0)
    first = panel.iloc[0]
    axes.set_title(f"{first['target']}, {first['layer']}\n{first['probe']}, {first['concepts']}")
    _label(axes, panel, metric_of(first["metric"]).title)


def _draw_agreement(axes: Axes, panel: pd.DataFrame) -> None:
    own = panel.drop_duplicates("size")
    sizes, settled = own["size"].astype(int), own["settled"].iloc[0]
    axes.plot(sizes, own["tau"], color="0.2", marker="o", ms=4)
    axes.fill_between(sizes, own["tau_low"], own["tau_high"], color="0.2", alpha=0.2, lw=0)
    axes.axhline(AGREEMENT, color="0.5", ls="--", lw=1)
    if not pd.isna(settled):
        axes.axvline(int(settled), color="C3", lw=1)
    _label(axes, panel, "Kendall's tau")


def _label(axes: Axes, panel: pd.DataFrame, title: str) -> None:
    sizes = sorted(panel["size"].astype(int).unique())
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
    axes.minorticks_off()
    axes.set(xlabel=_LABELS[panel["axis"].iloc[0]], ylabel=title)
