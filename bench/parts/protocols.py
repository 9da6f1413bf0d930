"""The parts that a cell is put together from, as protocols.

A part is a frozen dataclass registered under a name: its fields are its parameters (the `params` of
its YAML), its `summary` is what `dissectbench list` shows, and its module imports no torch at
import time. Describing a part (`fingerprint`, words, names, length) is cheap and torch-free, so
that finished cells are recognised without loading a network; `load` does the heavy work.

Any part may also have `lacks() -> tuple[Requirement, ...]`: what it needs and this machine does not have.
It looks at names and sizes alone, opens no connection and imports no torch. And it may name the
top-level modules that it imports, `packages: ClassVar[tuple[str, ...]]`. `dissectbench plan` asks
for both before anything else is asked of the part (`bench.downloads.packages.unmet_requirements`).

A part that knows the images of the embedded world alone, and a probe set of these images, has
`of_glyphs = True` (`bench.run.world`); a probe set of square images has `square_images = True`
(`bench.run.mask_views`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from baselines.captions import Captioner
    from baselines.spatial import MaskLabel, Masks
    from bench.networks.loaded import LoadedTarget
    from metrics.truth import TrueName

Fingerprint = Mapping[str, Any]
"""JSON-ready facts that decide what a part computes; equal fingerprints, equal results."""


@dataclass(frozen=True)
class LoadedEncoder:
    """An image-text model ready to run.

    Attributes:
        transform: Turns an RGB image into the image tower's input, float32 [3, H, W].
        encode_images: [B, 3, H, W] -> embeddings, float32 [B, D], not normalised.
        encode_texts: B texts -> embeddings, float32 [B, D], not normalised.
        find_cut: B texts -> how many tokens are read, and which texts have more, or None where
            that is not known.
    """

    transform: Callable[[Image], Tensor]
    encode_images: Callable[[Tensor], Tensor]
    encode_texts: Callable[[Sequence[str]], Tensor]
    find_cut: Callable[[Sequence[str]], tuple[int, list[int]] | None] = lambda _: None


@dataclass(frozen=True)
class LoadedSegmenter:
    """A segmentation network ready to run.

    Attributes:
        transform: Turns an RGB image into the network's input, float32 [3, H, W].
        segment: [B, 3, H, W] -> labels of each pixel, an integer tensor [B, P, sh, sw]: in each of
            P planes the position in the segmenter's `labels()`, -1 for none.
        mask_size: (sh, sw).
    """

    transform: Callable[[Image], Tensor]
    segment: Callable[[Tensor], Tensor]
    mask_size: tuple[int, int]


@runtime_checkable
class Target(Hashable, Protocol):
    """A network whose units are to be named.

    It may also have `module_paths() -> tuple[str, ...]`, the paths of its modules in their order;
    that is asked for where `target.layers` holds a pattern, and a network without it is loaded.
    With `plain_layers: bool` true it says that all its layers give [B, U, H, W] or [B, U]; else
    `bench.networks.layout` shows the network a few synthetic images: what
    `untrained() -> LoadedTarget` returns, or else the loaded one.
    """

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Architecture, sha256 of the weights, transform."""
        ...

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights."""
        ...


@runtime_checkable
class Truth(Hashable, Protocol):
    """The true names of a layer's units; may cover only some of them."""

    summary: ClassVar[str]

    def names(self) -> Mapping[int, TrueName]:
        """True name by unit index (from 0)."""
        ...


@runtime_checkable
class Probe(Hashable, Protocol):
    """A set of images in a fixed order; a smaller `limit` is a prefix of a larger one."""

    summary: ClassVar[str]

    def __len__(self) -> int: ...

    def fingerprint(self) -> Fingerprint:
        """What decides every pixel, and the number of images."""
        ...

    def image(self, index: int) -> Image:
        """The image at `index`, RGB."""
        ...


@runtime_checkable
class SegmentedProbe(Probe, Protocol):
    """A probe set whose images have concept masks."""

    def masks(self, cache: Path) -> Masks:
        """The masks of the images, in their order.

        Args:
            cache: Folder where what has to be worked out first may be kept.
        """
        ...

    def masks_fingerprint(self) -> Fingerprint:
        """What decides every mask and label; no mask is worked out for it."""
        ...

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """The labels of `masks`, in their order; no mask is worked out for them."""
        ...


@runtime_checkable
class LabelledProbe(Probe, Protocol):
    """A probe set of which it is known what class each image is of."""

    def class_names(self) -> tuple[str, ...]:
        """Names of the K classes, in the order in which networks trained on them number them."""
        ...

    def image_classes(self) -> Sequence[int]:
        """Class of each image, a position in `class_names()`; -1 where it is not known."""
        ...


@runtime_checkable
class ConceptSet(Hashable, Protocol):
    """Candidate labels, in a fixed order, without blanks or duplicates."""

    summary: ClassVar[str]

    def words(self) -> tuple[str, ...]:
        """The labels."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What was dropped from the source, for the record (duplicates, blanks)."""
        ...


@runtime_checkable
class Encoder(Hashable, Protocol):
    """An image-text model that embeds images and labels in one space."""

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights, prompt, precision; `text_tower` names the text tower's weights."""
        ...

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights."""
        ...


@runtime_checkable
class Segmenter(Hashable, Protocol):
    """What says which concept each pixel of a probe image shows."""

    summary: ClassVar[str]
    uses_probe_masks: ClassVar[bool]
    """Whether the probe's own masks are asked for: then there are no labels, and nothing to load.

    Such masks are truth: a method that is given them knows what others have to find out."""

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights, transform, size of the masks, names of the labels."""
        ...

    def labels(self) -> tuple[MaskLabel, ...]:
        """Its C concepts, sorted by category as in `categories`, then by number in the source."""
        ...

    def categories(self) -> tuple[str, ...]:
        """The categories of its labels, each once."""
        ...

    def load(self, device: str) -> LoadedSegmenter:
        """Build the network and read its weights."""
        ...


@runtime_checkable
class CaptionerPart(Hashable, Protocol):
    """What puts a unit's exemplars into words."""

    summary: ClassVar[str]

    @property
    def image_size(self) -> int:
        """Side of the exemplar images and masks that it wants, in pixels."""
        ...

    @property
    def given(self) -> str:
        """What it was trained on: "annotated units" (of other networks) or "captions".

        It stands in the record in the place of the method's own `given`.
        """
        ...

    def fingerprint(self) -> Fingerprint:
        """Architecture, weights, vocabulary, what images are brought to, precision."""
        ...

    def load(self, device: str) -> Captioner:
        """Build the model and read its weights."""
        ...


@runtime_checkable
class SentenceEncoder(Hashable, Protocol):
    """A text model that scores how close a label is to the true name."""

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Model and weights; `text_tower` as for `Encoder`, so that circularity shows.

        Empty for no model, which is never loaded.
        """
        ...

    def load(self, device: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Return a function from n texts to unit-length embeddings, float32 [n, D]."""
        ...
