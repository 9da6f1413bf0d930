"""Descriptions of units by people."""

from __future__ import annotations

from bench.downloads.entry import Download
from bench.downloads.published.common import NO_LICENCE, SERVER

_MILAN = "http://milan.csail.mit.edu/data/"


def _described(network: str, images: str) -> Download:
    inside = "" if images == "places365" or network == "biggan" else "; needs ImageNet's images"
    return Download(
        name=f"milannotations_{network}_{images}",
        summary=f"MILANNOTATIONS: described units of {network} on {images}{inside}",
        licence=NO_LICENCE,
        path=f"milannotations/{network}/{images}",
        url=f"{_MILAN}{network}-{images}.zip",
        kind="zip",
        contents=("annotations.csv",),
        group="milannotations",
        use=f"train milan --annotations DATA/milannotations --sources {network}/{images}",
        note=SERVER,
    )


DESCRIBED = (
    *(
        _described(network, images)
        for network in ("alexnet", "resnet152", "biggan")
        for images in ("imagenet", "places365")
    ),
    _described("dino_vits8", "imagenet"),
)  # fmt: skip
