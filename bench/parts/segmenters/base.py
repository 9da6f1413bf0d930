"""Networks that assign classes to pixels, as a base of the segmenters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import Requirement, unmet_path
from bench.errors import UserError
from bench.parts.checks import check_positive
from bench.parts.precision import Precision, check_precision
from bench.parts.segmenters.classes import class_labels, class_positions, read_names
from bench.parts.segmenters.network import SEGMENTER_VERSION, wrap_network
from bench.parts.view import square_view
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

    from baselines.spatial import MaskLabel
    from bench.parts.protocols import Fingerprint, LoadedSegmenter

    NetworkParts = tuple[nn.Module, Callable[[Tensor], Tensor], Callable[[Image], Tensor]]
    """A network, a function to its logits, and the transform of a square image."""

CLASSES = "segmenter.params.classes"


@dataclass(frozen=True, kw_only=True)
class ClassSegmenter(ABC):
    """A network that assigns one of its classes to each pixel.

    Attributes:
        classes: A text file with the name of each class, one per line, in the order of the outputs;
            the model's own names if empty. "background" labels nothing.
        category: Category of all labels.
        crop: Side of the visible central square, as a share of the shorter side; must be that of
            the target (its input_size / resize). 0 squashes the whole image.
        input_size: Side of the network's input, in pixels; if null, that of the square, for models
            whose own processor resizes it.
        mask_size: Side of the masks, in pixels.
        precision: Of the arithmetic: "float32", "float16" or "bfloat16".
    """

    uses_probe_masks: ClassVar[bool] = False

    classes: str = ""
    category: str = "object"
    crop: float = 0.875
    input_size: int | None = None
    mask_size: int = 56
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        if not 0 <= self.crop <= 1:
            raise UserError(
                f"crop must be a share of the image's shorter side, not {self.crop}",
                where="segmenter.params.crop",
                hint="give the target's input_size / resize (224 / 256 = 0.875), or 0 to squash "
                "the whole image",
            )
        for name in ("mask_size", "input_size"):
            check_positive(getattr(self, name), f"segmenter.params.{name}")
        check_precision(self.precision, "segmenter.params.precision")

    @abstractmethod
    def _own_names(self) -> tuple[str, ...]:
        """Return the model's own names of the classes, in the order of its outputs."""

    @abstractmethod
    def _identity(self) -> Mapping[str, Any]:
        """Return kind, model and transform, for the fingerprint."""

    @abstractmethod
    def _load(self, names: Sequence[str]) -> NetworkParts:
        """Build the network with the named classes, and read its weights."""

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the list of classes, if missing."""
        return unmet_path(self.classes, "list of classes", CLASSES)

    def fingerprint(self) -> Fingerprint:
        """Return model, transform, names of the classes, and size of the masks."""
        return {
            **self._identity(),
            "labels": sha256_json([self.category, *self._names()]),
            "mask_size": self.mask_size,
            "precision": self.precision,
            "version": SEGMENTER_VERSION,
        }

    @property
    def visible_share(self) -> float:
        """Visible share of an image's shorter side."""
        return self.crop or 1.0

    @property
    def squashes(self) -> bool:
        """Whether it resizes the whole image to a square, ignoring its aspect ratio."""
        return self.crop == 0

    def labels(self) -> tuple[MaskLabel, ...]:
        """Return the classes except the background."""
        return class_labels(self._names(), self.category)

    def categories(self) -> tuple[str, ...]:
        """Return the one category."""
        return (self.category,)

    def load(self, device: str) -> LoadedSegmenter:
        """Build the network and read its weights."""
        names = self._names()
        module, logits, normalise = self._load(names)
        return wrap_network(
            module,
            lambda images: [logits(images)],
            lambda image: normalise(square_view(image, self.crop, self.input_size)),
            [class_positions(names)],
            (self.mask_size, self.mask_size),
            device=device,
            precision=self.precision,
        )

    def _names(self) -> tuple[str, ...]:
        return read_names(self.classes, CLASSES) if self.classes else self._own_names()
