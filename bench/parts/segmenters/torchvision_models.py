"""Any segmentation network of torchvision, with torchvision's weights or those of a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import unmet_path
from bench.errors import UserError, nearest
from bench.networks.weights_file import WeightsFile
from bench.parts.crops import square_view
from bench.parts.segmenters.classes import class_labels, class_positions, read_names
from bench.parts.segmenters.network import (
    SEGMENTER_VERSION,
    Precision,
    check_precision,
    wrap_network,
)
from bench.parts.segmenters.view import CROP, check_view
from bench.parts.targets.transform import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

    from baselines.spatial import MaskLabel
    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint, LoadedSegmenter

VOC_NAMES = (
    "__background__", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat",
    "chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep",
    "sofa", "train", "tvmonitor",
)  # fmt: skip
"""Classes of PASCAL VOC 2012 in its numbering, which all of torchvision's weights have so far.

Written out so that labels are known without torch; the weights' own names are held against them
before a network runs.
"""

_AUXILIARY = "aux_classifier."
"""A second head that only training uses."""


@dataclass(frozen=True)
class TorchvisionSegmenter:
    """A torchvision segmentation network.

    Attributes:
        arch: Name in torchvision: "deeplabv3_resnet50", "lraspp_mobilenet_v3_large".
        weights: One of torchvision's own weights ("COCO_WITH_VOC_LABELS_V1", "DEFAULT"); give this
            or `file`.
        file: A state dict: .safetensors, .pth or .pt.
        state_dict: Which state dict of the file, where it holds several: the keys that lead to it,
            joined by dots ("state_dict_ema"); maybe with a prefix of its names, and then what has
            another is left out ("state_dict.model").
        classes: A text file with the name of each class, one a line, in the order of the outputs;
            those of PASCAL VOC where empty. "background" marks nothing.
        category: Category of all labels.
        crop: Side of the central square that is looked at, as a share of the shorter side; must be
            what the target looks at (its input_size / resize). 0 squashes the whole image.
        input_size: Side of the network's input, in pixels.
        mask_size: Side of the masks, in pixels.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
    """

    summary: ClassVar[str] = "a torchvision segmentation network with its own weights or a file's"
    uses_probe_masks: ClassVar[bool] = False

    arch: str
    weights: str = ""
    file: str = ""
    state_dict: str = ""
    classes: str = ""
    category: str = "object"
    crop: float = CROP
    input_size: int = 448
    mask_size: int = 56
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        if bool(self.weights) == bool(self.file):
            raise UserError(
                "give the segmenter's weights: either torchvision's own or a file",
                where="segmenter.params",
                hint="add segmenter.params.weights=DEFAULT or segmenter.params.file=PATH",
            )
        check_view(self.crop, self.mask_size, self.input_size)
        check_precision(self.precision)

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Files that are not there; torchvision's own weights are fetched by a run."""
        return (
            *unmet_path(self.file, "weights file", "segmenter.params.file"),
            *unmet_path(self.classes, "list of classes", "segmenter.params.classes"),
        )

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights, transform, names of the classes, size of the masks."""
        return {
            "kind": "torchvision",
            "arch": self.arch,
            "weights": self._weights_identity(),
            "transform": {
                "crop": self.crop,
                "size": self.input_size,
                "mean": list(IMAGENET_MEAN),
                "std": list(IMAGENET_STD),
            },
            "labels": sha256_json([self.category, *self._names()]),
            "mask_size": self.mask_size,
            "precision": self.precision,
            "version": SEGMENTER_VERSION,
        }

    @property
    def visible_share(self) -> float:
        """Share of an image's shorter side that the network sees."""
        return self.crop or 1.0

    @property
    def squashes(self) -> bool:
        """Whether the whole image is brought to a square, whatever its shape."""
        return self.crop == 0

    def labels(self) -> tuple[MaskLabel, ...]:
        """The classes but for the background.

        Raises:
            UserError: The file of class names cannot be read.
        """
        return class_labels(self._names(), self.category)

    def categories(self) -> tuple[str, ...]:
        """The one category."""
        return (self.category,)

    def load(self, device: str) -> LoadedSegmenter:
        """Build the network and read its weights.

        Raises:
            UserError: No such architecture or weights, a file that does not fit, or class names
                that are not the weights' own.
        """
        from torchvision import transforms

        self._require_arch()
        names = self._names()
        module = self._from_file(len(names)) if self.file else self._from_torchvision(names)
        normalised = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)]
        )

        def transform(image: Image) -> Tensor:
            found: Tensor = normalised(square_view(image, self.crop, self.input_size))
            return found

        def logits_of(images: Tensor) -> Sequence[Tensor]:
            return [module(images)["out"]]

        return wrap_network(
            module,
            logits_of,
            transform,
            [class_positions(names)],
            (self.mask_size, self.mask_size),
            device=device,
            precision=self.precision,
        )

    def _names(self) -> tuple[str, ...]:
        if not self.classes:
            return VOC_NAMES
        return read_names(self.classes, "segmenter.params.classes")

    def _weights_identity(self) -> Mapping[str, Any]:
        if self.file:
            return self._own_weights.identity()
        # torchvision publishes the bytes of a named entry under their hash: the name pins them.
        # DEFAULT moves from version to version.
        moving = {"version": version("torchvision")} if self.weights == "DEFAULT" else {}
        return {"torchvision": f"{self.arch}/{self.weights}", **moving}

    def _require_arch(self) -> None:
        from torchvision import models

        known = models.list_models(module=models.segmentation)
        if self.arch not in known:
            raise UserError(
                f"torchvision has no segmentation architecture {self.arch!r}",
                where="segmenter.params.arch",
                valid=nearest(self.arch, known),
                hint=f"choose among: {', '.join(known)}",
            )

    def _from_torchvision(self, names: Sequence[str]) -> nn.Module:
        from torchvision import models

        where = "segmenter.params.weights"
        known = models.get_model_weights(self.arch)
        valid = [*known.__members__, "DEFAULT"]
        if self.weights not in valid:
            raise UserError(
                f"torchvision has no weights {self.weights!r} for {self.arch}",
                where=where,
                valid=nearest(self.weights, valid),
                hint=f"choose among: {', '.join(dict.fromkeys(valid))}",
            )
        entry = known[self.weights] if self.weights in known.__members__ else known.DEFAULT
        own = tuple(entry.meta["categories"])
        if len(own) != len(names) or (not self.classes and own != tuple(names)):
            raise UserError(
                f"{entry} has {len(own)} classes of its own: {', '.join(own[:4])}, ...",
                where="segmenter.params.classes",
                hint="give a text file with their names, one a line",
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
        self._own_weights.fill(module, what, ignored=(_AUXILIARY,))
        return module

    @property
    def _own_weights(self) -> WeightsFile:
        return WeightsFile(self.file, self.state_dict, "segmenter.params.file")
