"""One style for all figures: sizes of a paper, colours that colour-blind readers can tell apart."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from leaderboards.pages.markdown import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

COLUMN, PAGE = 3.25, 6.75
"""Widths in inches of one column of a paper, and of both."""

_DPI = 200
_SIZES = {
    "font.size": 7, "axes.titlesize": 7, "axes.labelsize": 7, "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5, "legend.fontsize": 6.5, "lines.linewidth": 1.2, "lines.markersize": 4,
    "axes.linewidth": 0.6, "grid.linewidth": 0.5,
}  # fmt: skip


def printable(text: str) -> str:
    """Return lines of printable characters; a dollar sign would start a formula."""
    return "\n".join(clean(line).replace("$", r"\$") for line in text.split("\n"))


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw in the common style, without a screen.

    SVG files are equal for equal data, and their texts can be searched and edited.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import seaborn as sns

    sizes = sns.plotting_context("paper", rc=_SIZES)
    files = mpl.rc_context({"svg.hashsalt": "dissectbench", "svg.fonttype": "none"})
    with sns.axes_style("whitegrid"), sizes, files:
        yield


def palette(names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Return a colour for each name; they repeat after ten."""
    import seaborn as sns

    return dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))


def save(figure: Figure, stem: str) -> dict[str, bytes]:
    """Return a figure as an SVG and a PNG file by name, and close it."""
    from matplotlib import pyplot as plt

    files = {}
    for kind, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=metadata)
        data = buffer.getvalue()
        files[f"{stem}.{kind}"] = _reduce_colours(data) if kind == "png" else data
    plt.close(figure)
    return files


def _reduce_colours(png: bytes) -> bytes:
    """Return a picture of 256 colours: less than half of the bytes, and no visible difference."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(256).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
