"""A figure of unique detectors, for each method and layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboards.detectors import select_detectors
from leaderboards.pages.figures import COLUMN, PAGE, palette, paper_style, printable, save
from leaderboards.summary import short_given

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from matplotlib.axes import Axes

MIXED = "mixed"
_BESIDE = 3
"""Greatest number of panels beside each other."""


def draw_detectors(found: pd.DataFrame) -> dict[str, bytes]:
    """Draw a panel per network, layer and probe set, with a bar per method, stacked by category.

    Bars are shares of the layer's units, so that layers of different widths can be compared. Layers
    without a detector have no panel, and categories without one no colour. A method that did not
    run on a panel's layer has no number there.

    Args:
        found: `leaderboards.detectors.detectors_frame`.

    Returns:
        Files by name; none where no layer has a detector.
    """
    if not len(select_detectors(found)):
        return {}
    import pandas as pd
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    every = found.copy()
    where = every["target"] + "\n" + every["layer"] + " (" + every["map_size"] + ")"
    several = select_detectors(every)["probe"].nunique() > 1
    every["panel"] = where + ("\n" + every["probe"] if several else "")
    every["bar"] = every["method"] + "\n(" + every["given"].map(short_given) + ")"
    every["share"] = 100 * every["unique_detectors"] / every["units"]
    for name in ("panel", "bar", "category"):
        every[name] = every[name].map(printable)
    shown = select_detectors(every).copy()
    panels, bars = (list(dict.fromkeys(shown[name])) for name in ("panel", "bar"))
    shown["bar"] = pd.Categorical(shown["bar"], bars)
    # "mixed" is not a category of masks, so it comes last.
    categories = sorted(set(shown["category"]), key=lambda name: (name == MIXED, name))
    colours = palette(categories)
    columns = min(_BESIDE, len(panels))
    rows = -(-len(panels) // columns)
    with paper_style():
        figure, grid = plt.subplots(
            rows, columns, sharex=True, sharey=True, squeeze=False, layout="constrained",
            figsize=(PAGE if columns > 1 else COLUMN, 0.5 + rows * (0.55 + 0.28 * len(bars))),
        )  # fmt: skip
        for axes, panel in zip(grid.flat, panels, strict=False):
            ran = set(every.loc[every["panel"] == panel, "bar"])
            _draw(axes, shown[shown["panel"] == panel], colours, ran)
            axes.set_title(panel)
        for axes in grid.flat[len(panels) :]:
            axes.remove()
        for axes in grid.flat[max(0, len(panels) - columns) : len(panels)]:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("unique detectors, % of units")
        handles = [Patch(color=colour) for colour in colours.values()]
        figure.legend(handles, list(colours), loc="outside upper center", ncols=4, frameon=False)
        return save(figure, "detectors")


def _draw(
    axes: Axes,
    own: pd.DataFrame,
    colours: dict[str, tuple[float, float, float]],
    ran: Collection[str],
) -> None:
    """Draw the stacked bars of one panel, each with its number of detectors if the method ran."""
    import seaborn as sns

    sns.histplot(
        own, y="bar", weights="share", hue="category", hue_order=list(colours), palette=colours,
        multiple="stack", discrete=True, shrink=0.75, alpha=1, linewidth=0, legend=False, ax=axes,
    )  # fmt: skip
    totals = own.groupby("bar", observed=False)[["share", "unique_detectors"]].sum()
    for place, (bar, share, count) in enumerate(totals.itertuples()):
        if bar in ran:
            axes.text(share + 1, place, f"{count:.0f}", va="center", fontsize=6)
    axes.set(xlim=(0, 118), xticks=range(0, 101, 25), xlabel="", ylabel="")
    axes.grid(visible=False, axis="y")
