"""Weights of networks."""

from __future__ import annotations

from bench.downloads.entry import Download
from bench.downloads.published.common import FROM_A_SCRIPT, SERVER

_PLACES_MODELS = "http://places2.csail.mit.edu/models_places365/"


def _places(depth: int, about: int, md5: str | None, checked_by: str) -> Download:
    name = f"resnet{depth}_places365"
    return Download(
        name=name,
        summary=f"ResNet-{depth} trained on Places365, by its authors (weights)",
        licence="CC BY",
        path=f"weights/{name}.pth.tar",
        url=f"{_PLACES_MODELS}{name}.pth.tar",
        about=about,  # 4 bytes a parameter
        md5=md5,
        checked_by=checked_by,
        group="places365",
        use=f"target=torchvision target.params.arch=resnet{depth} target.params.file={{path}}",
        note=SERVER,
    )


NETWORKS = (
    # 11,363,757 and 24,255,917 parameters with 365 outputs
    _places(18, 45_500_000, "7a8808eefd4ea7458650ca84855f69b1", FROM_A_SCRIPT),
    _places(50, 97_000_000, None, ""),
)  # fmt: skip
