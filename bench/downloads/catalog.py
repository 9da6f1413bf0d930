"""All that `dissectbench fetch` knows, with the sources of addresses, sizes and hashes.

Nothing here is guessed: a size or hash that nobody published is None, and is recorded at the first
download. Addresses are those that the publishers' own pages and scripts give.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bench.downloads.entry import Download
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLIP_DISSECT = (
    "https://raw.githubusercontent.com/Trustworthy-ML-Lab/CLIP-dissect/"
    "21e7697feaea3bf7d7bc2d2cc8e4047d5f5fd502/data/"
)
_PLACES_MODELS = "http://places2.csail.mit.edu/models_places365/"
_NETDISSECT = "http://netdissect.csail.mit.edu/data/"
_MILAN = "http://milan.csail.mit.edu/data/"

_NO_LICENCE = "none stated"
_COMMIT = "the file at the named commit of the authors' repository"
_SERVER = (
    "this server is known to be away for weeks at times; a copy from elsewhere is taken with "
    "--from FILE or --from URL, and checked in the same way"
)


def _words(size: str, count: str, length: int, sha256: str) -> Download:
    return Download(
        name=f"paper_{size}",
        summary=f"CLIP-Dissect's own {count} English words (data/{size}.txt)",
        licence=_NO_LICENCE,
        path=f"concepts/paper_{size}.txt",
        url=f"{_CLIP_DISSECT}{size}.txt",
        size=length,
        sha256=sha256,
        checked_by=_COMMIT,
        group="paper",
        use=f"concepts=paper_{size}",
    )


def _broden(side: int, md5: str | None, checked_by: str) -> Download:
    name = f"broden1_{side}"
    return Download(
        name=name,
        summary=f"Broden 1.0, 63,305 images of {side} x {side} pixels with masks",
        licence="its parts' own (ADE20K, Pascal, OpenSurfaces, DTD)",
        path=name,
        url=f"{_NETDISSECT}{name}.zip",
        kind="zip",
        about=1_000_000_000,  # "~1GB space", README of CSAILVision/NetDissect
        md5=md5,
        checked_by=checked_by,
        root=name,
        holds=("index.csv", "label.csv", "category.csv", "images"),
        group="broden",
        use="probe=broden probe.params.path={path}",
        note=_SERVER,
    )


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
        note=_SERVER,
    )


def _described(network: str, images: str) -> Download:
    inside = "" if images == "places365" or network == "biggan" else "; needs ImageNet's images"
    return Download(
        name=f"milannotations_{network}_{images}",
        summary=f"MILANNOTATIONS: described units of {network} on {images}{inside}",
        licence=_NO_LICENCE,
        path=f"milannotations/{network}/{images}",
        url=f"{_MILAN}{network}-{images}.zip",
        kind="zip",
        holds=("annotations.csv",),
        group="milannotations",
        use=f"train milan --annotations DATA/milannotations --sources {network}/{images}",
        note=_SERVER,
    )


_FROM_A_SCRIPT = (
    "md5 as a third party's download script records it; the publisher gives none, "
    "and no second source was found"
)

ENTRIES: tuple[Download, ...] = (
    _words("3k", "3,000", 22_223,
           "425845cf228cf91200e25cbf0361cc078502ce1cc2f9d4558b29abe78096afe1"),
    _words("10k", "9,894", 75_153,
           "d6b3e04f1ac30be6525d41474166c0bff28486ecd8c48dcb0ab9c7c9cc05ed86"),
    _words("20k", "20,000", 155_418,
           "4ed6e5336d7760d281f7e72df31827da880c861363e820d8c65666b0f10d9ac0"),
    Download(
        name="paper_broden",
        summary="CLIP-Dissect's list of Broden labels (1,197 lines, 1,153 distinct)",
        licence=_NO_LICENCE,
        path="concepts/broden_labels_clean.txt",
        url=f"{_CLIP_DISSECT}broden_labels_clean.txt",
        size=12_191,
        sha256="603036d4b138c66455e1285bd915f6cdcdf4728df7a5563843d1f89c9babe64b",
        checked_by=_COMMIT,
        group="paper",
        use="concepts=file concepts.params.path={path}",
    ),
    _broden(224, "be13c292eaef3300da03f8d0e48eab1c", _FROM_A_SCRIPT),
    _broden(227, None, ""),
    # 11,363,757 and 24,255,917 parameters with 365 outputs
    _places(18, 45_500_000, "7a8808eefd4ea7458650ca84855f69b1", _FROM_A_SCRIPT),
    _places(50, 97_000_000, None, ""),
    Download(
        name="categories_places365",
        summary="the 365 classes of Places365 with their numbers",
        licence="CC BY, as the models",
        path="labels/categories_places365.txt",
        url="https://raw.githubusercontent.com/CSAILVision/places365/master/"
        "categories_places365.txt",
        size=6_833,
        md5="06c963b85866bd0649f97cb43dd16673",
        sha256="2affba635eb657e7ca95f4e6cc69bd9fac29ef4c32aeb83cafdfcd06ec6a1ea6",
        checked_by="md5 as in torchvision.datasets.Places365; sha256 of the file with that md5",
        group="places365",
        use="target.truth.name=places365 target.truth.params.path={path}",
    ),
    Download(
        name="tiny_imagenet",
        summary="Tiny-ImageNet: 200 of ImageNet's classes at 64 x 64 pixels, 10,000 in val",
        licence=f"{_NO_LICENCE}; the images are ImageNet's",
        path="tiny-imagenet-200",
        url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        kind="zip",
        size=248_100_043,
        md5="90528d7ca1a48142e341f4ef8d21d0de",
        checked_by="size and md5 as many public repositories record them (Avalanche for one); "
        "the publisher gives none",
        root="tiny-imagenet-200",
        holds=("wnids.txt", "words.txt", "val/val_annotations.txt", "val/images"),
        use="probe=folder probe.params.path={path}/val/images",
    ),
    Download(
        name="cifar100",
        summary="CIFAR-100: 60,000 images of 32 x 32 pixels",
        licence=_NO_LICENCE,
        path="cifar100",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        kind="tar",
        size=169_001_437,
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        checked_by="md5: its home page and torchvision; sha256: Keras",
        holds=("cifar-100-python/train", "cifar-100-python/test", "cifar-100-python/meta"),
    ),
    *(
        _described(network, images)
        for network in ("alexnet", "resnet152", "biggan")
        for images in ("imagenet", "places365")
    ),
    _described("dino_vits8", "imagenet"),
    Download(
        name="imagenet_val",
        summary="ImageNet's validation set (ILSVRC 2012), 50,000 images",
        licence="ImageNet's terms of access",
        about=6_700_000_000,
        agreement="Ask for access at https://image-net.org/download, and get "
        "ILSVRC2012_img_val.tar (md5 29b22e2961454d5413ddabcf34fc5622) and, for the classes, "
        "ILSVRC2012_devkit_t12.tar.gz (md5 fa75699e90414af021442c21a62c3abf). Unpack the images "
        "into a folder, flat or one folder a synset, and point at it:",
        use="probe=folder probe.params.path=DIR",
    ),
    Download(
        name="places365_val",
        summary="Places365's validation set, 36,500 images of 256 x 256 pixels",
        licence="Places' terms of use; the copyright is the image owners'",
        about=500_000_000,
        agreement="Read the terms at http://places2.csail.mit.edu/download.html, and get "
        "val_256.tar (md5 e27b17d8d44f4af9a78502beb927f808) and, for the classes, "
        "filelist_places365-standard.tar (md5 35a0585fee1fa656440f3ab298f8479c). Unpack the images "
        "into a folder and point at it:",
        use="probe=folder probe.params.path=DIR",
    ),
)  # fmt: skip

BY_NAME = {entry.name: entry for entry in ENTRIES}


def choose(words: Sequence[str]) -> list[Download]:
    """The entries that names, groups ("paper") and patterns ("broden1_*") stand for.

    Returns:
        Each once, in the order in which they were asked for.

    Raises:
        UserError: A word stands for nothing.
    """
    chosen: dict[str, Download] = {}
    groups = sorted({entry.group for entry in ENTRIES if entry.group})
    for word in words:
        key = word.strip().lower().replace("-", "_")
        found = [e for e in ENTRIES if e.name == key]
        found = found or [e for e in ENTRIES if key == e.group or fnmatchcase(e.name, key)]
        if not found:
            raise UserError(
                f"there is nothing called {word!r} to fetch",
                where="NAME",
                valid=nearest(key, [*BY_NAME, *groups]),
                cure="`dissectbench fetch --list` lists all",
            )
        chosen |= {entry.name: entry for entry in found}
    return list(chosen.values())
