"""Weights of networks."""

from __future__ import annotations

from bench.downloads.entry import Download
from bench.downloads.published.common import FROM_A_SCRIPT, SERVER

_PLACES_MODELS = "http://places2.csail.mit.edu/models_places365/"


def _places(depth: int, estimate: int, md5: str | None, checked_by: str) -> Download:
    name = f"resnet{depth}_places365"
    return Download(
        name=name,
        summary=f"ResNet-{depth} trained on Places365, by its authors (weights)",
        licence="CC BY",
        path=f"weights/{name}.pth.tar",
        url=f"{_PLACES_MODELS}{name}.pth.tar",
        estimate=estimate,  # 4 bytes a parameter
        md5=md5,
        checked_by=checked_by,
        group="places365",
        use=f"target={name}",
        note=SERVER,
    )


def _imagenet(arch: str, title: str, digits: str, mib: float) -> Download:
    file = f"{arch}-{digits}.pth"
    return Download(
        name=f"{arch}_imagenet",
        summary=f"{title} trained on ImageNet-1k, torchvision's IMAGENET1K_V1 (weights)",
        licence="BSD-3-Clause, as torchvision's code; ImageNet's terms may apply besides",
        path=f"weights/{file}",
        url=f"https://download.pytorch.org/models/{file}",
        estimate=round(mib * 2**20),  # torchvision gives MiB with three digits
        sha256_prefix=digits,
        checked_by="torchvision puts the first digits of the sha256 in the file's name",
        group="imagenet_networks",
        use=f"target={arch}_imagenet",
    )


_IMAGENET = (
    _imagenet("resnet18", "ResNet-18", "f37072fd", 44.661),
    _imagenet("resnet34", "ResNet-34", "b627a593", 83.275),
    _imagenet("resnet50", "ResNet-50", "0676ba61", 97.781),
    _imagenet("resnet101", "ResNet-101", "63fe2227", 170.511),
    _imagenet("resnet152", "ResNet-152", "394f9c45", 230.434),
    _imagenet("vit_b_16", "ViT-B/16", "c867db91", 330.285),
)

TORCHVISION = {
    f"{entry.name.removesuffix('_imagenet')}/IMAGENET1K_V1": entry for entry in _IMAGENET
}
"""torchvision's own weights by "architecture/name of the weights"."""

NETWORKS = (
    *_IMAGENET,
    # 11,363,757 and 24,255,917 parameters with 365 outputs
    _places(18, 45_500_000, "7a8808eefd4ea7458650ca84855f69b1", FROM_A_SCRIPT),
    _places(50, 97_000_000, None, ""),
)  # fmt: skip
