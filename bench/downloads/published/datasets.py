"""Sets of images and lists of their classes."""

from __future__ import annotations

from bench.downloads.entry import Download
from bench.downloads.published.common import FROM_A_SCRIPT, NO_LICENCE, SERVER

_NETDISSECT = "http://netdissect.csail.mit.edu/data/"


def _broden(side: int, md5: str | None, checked_by: str) -> Download:
    name = f"broden1_{side}"
    return Download(
        name=name,
        summary=f"Broden 1.0, 63,305 images of {side} x {side} pixels with masks",
        licence="its parts' own (ADE20K, Pascal, OpenSurfaces, DTD)",
        path=name,
        url=f"{_NETDISSECT}{name}.zip",
        kind="zip",
        estimate=1_000_000_000,  # "~1GB space", README of CSAILVision/NetDissect
        md5=md5,
        checked_by=checked_by,
        root=name,
        contents=("index.csv", "label.csv", "category.csv", "images"),
        group="broden",
        use=f"probe={name}",
        note=SERVER,
    )


DATASETS = (
    _broden(224, "be13c292eaef3300da03f8d0e48eab1c", FROM_A_SCRIPT),
    _broden(227, None, ""),
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
        licence=f"{NO_LICENCE}; the images are ImageNet's",
        path="tiny-imagenet-200",
        url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        kind="zip",
        size=248_100_043,
        md5="90528d7ca1a48142e341f4ef8d21d0de",
        checked_by="size and md5 as many public repositories record them (Avalanche for one); "
        "the publisher gives none",
        root="tiny-imagenet-200",
        contents=("wnids.txt", "words.txt", "val/val_annotations.txt", "val/images"),
        use="probe=tiny_imagenet",
    ),
    Download(
        name="cifar100",
        summary="CIFAR-100: 60,000 images of 32 x 32 pixels",
        licence=NO_LICENCE,
        path="cifar100",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        kind="tar",
        size=169_001_437,
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        checked_by="md5: its home page and torchvision; sha256: Keras",
        contents=("cifar-100-python/train", "cifar-100-python/test", "cifar-100-python/meta"),
        use="probe=cifar100_train",
    ),
    Download(
        name="imagenet_val",
        summary="ImageNet's validation set (ILSVRC 2012), 50,000 images",
        licence="ImageNet's terms of access",
        path="imagenet_val",
        estimate=6_700_000_000,
        agreement="Ask for access at https://image-net.org/download, and get "
        "ILSVRC2012_img_val.tar (md5 29b22e2961454d5413ddabcf34fc5622) and, for the classes, "
        "ILSVRC2012_devkit_t12.tar.gz (md5 fa75699e90414af021442c21a62c3abf). Unpack the images "
        "into a folder, flat (with the devkit beside them, as it is) or one folder a synset, and "
        "point at it; or link it as imagenet_val in the data folder, and leave the path out:",
        use="probe=imagenet_val probe.params.path=DIR",
    ),
    Download(
        name="places365_val",
        summary="Places365's validation set, 36,500 images of 256 x 256 pixels",
        licence="Places' terms of use; the copyright is the image owners'",
        path="places365_val",
        estimate=500_000_000,
        agreement="Read the terms at http://places2.csail.mit.edu/download.html, and get "
        "val_256.tar (md5 e27b17d8d44f4af9a78502beb927f808) and, for the classes, "
        "filelist_places365-standard.tar (md5 35a0585fee1fa656440f3ab298f8479c). Unpack the images "
        "into a folder, put the list beside them as it is, and point at it; or link it as "
        "places365_val in the data folder, and leave the path out:",
        use="probe=places365_val probe.params.path=DIR",
    ),
)  # fmt: skip
