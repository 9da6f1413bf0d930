"""Segmentation networks of torchvision, with torchvision's weights or those of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError, nearest
from bench.parts.segmenters.base import CLASSES, ClassSegmenter
from bench.parts.targets.pretrained import find_entry
from bench.parts.targets.transform import IMAGENET_MEAN, IMAGENET_STD
from bench.parts.targets.weights import WeightsParams, published_identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from bench.downloads.requirements import Requirement
    from bench.parts.segmenters.base import NetworkParts

VOC_NAMES = (
    "__background__", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat",
    "chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep",
    "sofa", "train", "tvmonitor",
)  # fmt: skip
"""Classes of PASCAL VOC 2012 in its numbering, which all of torchvision's weights have so far.

They are listed so that labels are known without torch; loading compares them with the weights' own.
"""

_AUXILIARY = "aux_classifier."
"""Prefix of a second head that only training uses."""


@dataclass(frozen=True)
class TorchvisionSegmenter(ClassSegmenter, WeightsParams):
    """A torchvision segmentation network.

    Attributes:
        arch: Name in torchvision: "deeplabv3_resnet50", "lraspp_mobilenet_v3_large".
        weights: torchvision's own weights ("COCO_WITH_VOC_LABELS_V1", "DEFAULT"); give this or
            `file`.
        classes: A text file with the name of each class, one per line, in the order of the outputs;
            the classes of PASCAL VOC if empty.
        input_size: Side of the network's input, in pixels.
    """

    summary: ClassVar[str] = "a torchvision segmentation network with its own weights or a file's"
    where: ClassVar[str] = "segmenter.params.file"

    arch: str
    weights: str = ""
    input_size: int = field(default=448, kw_only=True)

    def __post_init__(self) -> None:
        if bool(self.weights) == bool(self.file):
            raise UserError(
                "give the segmenter's weights: either torchvision's own or a file",
                where="segmenter.params",
                hint="add segmenter.params.weights=DEFAULT or segmenter.params.file=PATH",
            )
        super().__post_init__()

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return missing files; a run downloads torchvision's own weights."""
        file = WeightsParams.unmet_requirements(self)
        return (*file, *ClassSegmenter.unmet_requirements(self))

    def _identity(self) -> Mapping[str, Any]:
        name, fixed = f"{self.arch}/{self.weights}", self.weights != "DEFAULT"
        published = published_identity("torchvision", name, fixed=fixed)
        return {
            "kind": "torchvision",
            "arch": self.arch,
            "weights": self._weights_file.identity() if self.file else published,
            "transform": {
                "crop": self.crop,
                "size": self.input_size,
                "mean": list(IMAGENET_MEAN),
                "std": list(IMAGENET_STD),
            },
        }

    def _own_names(self) -> tuple[str, ...]:
        return VOC_NAMES

    def _load(self, names: Sequence[str]) -> NetworkParts:
        from torchvision import models, transforms

        known = models.list_models(module=models.segmentation)
        if self.arch not in known:
            raise UserError(
                f"torchvision has no segmentation architecture {self.arch!r}",
                where="segmenter.params.arch",
                valid=nearest(self.arch, known),
                hint=f"choose among: {', '.join(known)}",
            )
        module = self._from_file(len(names)) if self.file else self._from_torchvision(names)
        normalise = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)]
        )
        return module, lambda images: module(images)["out"], normalise

    def _from_torchvision(self, names: Sequence[str]) -> nn.Module:
        from torchvision import models

        where = "segmenter.params.weights"
        entry = find_entry(self.arch, self.weights, where)
        own = tuple(entry.meta["categories"])
        if len(own) != len(names) or (not self.classes and own != tuple(names)):
            raise UserError(
                f"{entry} has {len(own)} classes of its own: {', '.join(own[:4])}, ...",
                where=CLASSES,
                hint="give a text file with their names, one per line",
            )
        try:
            module: nn.Module = models.get_model(self.arch, weights=entry)
        except OSError as error:
            raise UserError(
                f"cannot download {entry}: {error}",
                where=where,
                hint="get the file elsewhere and give it as segmenter.params.file",
            ) from error
        return module

    def _from_file(self, classes: int) -> nn.Module:
        from torchvision import models

        module: nn.Module = models.get_model(
            self.arch, weights=None, weights_backbone=None, num_classes=classes
        )
        what = f"torchvision's {self.arch} with {classes} classes"
        self._weights_file.fill(module, what, ignored=(_AUXILIARY,))
        return module
