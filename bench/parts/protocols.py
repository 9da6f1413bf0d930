"""Protocols of the parts that a cell is composed of.

A part is a frozen dataclass registered under a name:

- its fields are its parameters (the `params` of its YAML);
- its `summary` is the line of `dissectbench list`;
- its module imports no torch at import time;
- everything but `load` is cheap and torch-free, so that finished cells are recognised without
  loading a network.

Its methods raise `bench.errors.UserError` for files, packages and weights that are missing or
damaged, and for parameters that contradict each other or the files.

Beyond its kind's protocol, a part may fit optional ones: `HasPackages` and `HasRequirements` of
`bench.downloads.requirements`, which `dissectbench plan` asks first, and those of
`bench.parts.optional_protocols`.
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
    from baselines.generated import ImageGenerator, LanguageModel
    from baselines.spatial import MaskLabel, Masks
    from bench.networks.loaded import LoadedTarget
    from metrics.truth import TrueName

Fingerprint = Mapping[str, Any]
"""JSON values that decide what a part computes; equal fingerprints, equal results."""


@dataclass(frozen=True)
class LoadedEncoder:
    """An image-text model on a device.

    Attributes:
        transform: RGB image -> input of the image tower, float32 [3, H, W].
        encode_images: [B, 3, H, W] -> embeddings, float32 [B, D], not normalised.
        encode_texts: B texts -> embeddings, float32 [B, D], not normalised.
        find_cut: Texts -> (tokens that the text tower reads, positions of texts that have more);
            None if unknown.
    """

    transform: Callable[[Image], Tensor]
    encode_images: Callable[[Tensor], Tensor]
    encode_texts: Callable[[Sequence[str]], Tensor]
    find_cut: Callable[[Sequence[str]], tuple[int, list[int]] | None] = lambda _: None


@dataclass(frozen=True)
class LoadedSegmenter:
    """A segmentation network on a device.

    Attributes:
        transform: RGB image -> input of the network, float32 [3, H, W].
        segment: [B, 3, H, W] -> labels of each pixel, an integer tensor [B, P, sh, sw]: in each of
            P planes the position in the segmenter's `labels()`, -1 for none.
        mask_size: (sh, sw).
    """

    transform: Callable[[Image], Tensor]
    segment: Callable[[Tensor], Tensor]
    mask_size: tuple[int, int]


@runtime_checkable
class Target(Hashable, Protocol):
    """A network whose units are described.

    Optional: `HasModulePaths`, `HasUntrained`, `HasPlainLayers`, `HasView`, `GivesArrays`.
    """

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Return architecture, sha256 of the weights, and transform."""

    def load(self, device: str) -> LoadedTarget:
        """Build the network and read its weights."""


@runtime_checkable
class Truth(Hashable, Protocol):
    """The true names of a layer's units; some units may have none.

    Optional: `HasUnitsWithoutConcept`.
    """

    summary: ClassVar[str]

    def names(self) -> Mapping[int, TrueName]:
        """Return true names by unit index (from 0)."""


@runtime_checkable
class Probe(Hashable, Protocol):
    """A probe set: images in a fixed order; a smaller `limit` is a prefix of a larger one.

    Optional: `HasParameters`, `HasNotes`, `ShowsGlyphs`, `HasSquareImages`.
    """

    summary: ClassVar[str]

    def __len__(self) -> int: ...

    def fingerprint(self) -> Fingerprint:
        """Return what decides every pixel, and the number of images."""

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`; raise IndexError if there is none."""


@runtime_checkable
class SegmentedProbe(Probe, Protocol):
    """A probe set with concept masks."""

    def masks(self, cache: Path) -> Masks:
        """Return the masks of the images, in their order.

        Args:
            cache: Folder for derived files that take long to compute.
        """

    def masks_fingerprint(self) -> Fingerprint:
        """Return what decides every mask and label, without computing masks."""

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """Return the labels of `masks`, in their order, without computing masks."""


@runtime_checkable
class LabelledProbe(Probe, Protocol):
    """A probe set of images with known classes."""

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the K classes, in the order of networks trained on them."""

    def image_classes(self) -> Sequence[int]:
        """Return each image's position in `class_names()`; -1 if unknown."""


@runtime_checkable
class ConceptSet(Hashable, Protocol):
    """Candidate labels, in a fixed order, without blanks or duplicates."""

    summary: ClassVar[str]

    def words(self) -> tuple[str, ...]:
        """Return the labels."""

    def notes(self) -> tuple[str, ...]:
        """Return, for the record, what was dropped from the source (duplicates, blanks)."""


@runtime_checkable
class Encoder(Hashable, Protocol):
    """An image-text model that embeds images and labels in one space.

    Optional: `GivesEmbeddings`, `HasCalibration`.
    """

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Return architecture, weights, prompt and precision.

        `text_tower` identifies the weights of the text tower.
        """

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights."""


@runtime_checkable
class Segmenter(Hashable, Protocol):
    """A network that assigns concepts to the pixels of a probe image. Optional: `HasView`."""

    summary: ClassVar[str]
    uses_probe_masks: ClassVar[bool]
    """Whether it represents the probe set's own masks; then it has no labels and loads nothing.

    Such masks are truth: a method that reads them is given what other methods must infer."""

    def fingerprint(self) -> Fingerprint:
        """Return architecture, weights, transform, size of the masks, and names of the labels."""

    def labels(self) -> tuple[MaskLabel, ...]:
        """Return its C labels, sorted by category as in `categories`, then as in the source."""

    def categories(self) -> tuple[str, ...]:
        """Return the categories of its labels, without duplicates."""

    def load(self, device: str) -> LoadedSegmenter:
        """Build the network and read its weights."""


@runtime_checkable
class CaptionerPart(Hashable, Protocol):
    """A model that describes a unit's exemplars in words."""

    summary: ClassVar[str]

    @property
    def image_size(self) -> int:
        """Side of its exemplar images and masks, in pixels."""

    @property
    def given(self) -> str:
        """Its training data: "annotated units" (of other networks) or "captions".

        The record contains it instead of the method's own `given`.
        """

    def fingerprint(self) -> Fingerprint:
        """Return architecture, weights, vocabulary, transform and precision."""

    def load(self, device: str) -> Captioner:
        """Build the model and read its weights."""


@runtime_checkable
class LanguageModelPart(Hashable, Protocol):
    """A model that answers in words."""

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Return weights, settings of the answers, and precision."""

    def load(self, device: str) -> LanguageModel:
        """Build the model and read its weights."""


@runtime_checkable
class GeneratorPart(Hashable, Protocol):
    """A source of images of concepts."""

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Return what decides every image of every concept."""

    def load(self, device: str) -> ImageGenerator:
        """Build the source; read the weights of a model."""


@runtime_checkable
class SentenceEncoder(Hashable, Protocol):
    """A text model that judges the similarity of a label and a true name."""

    summary: ClassVar[str]

    def fingerprint(self) -> Fingerprint:
        """Return model and weights; `text_tower` as of `Encoder`, to reveal circular scores.

        Empty for no model, which is never loaded.
        """

    def load(self, device: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        """Return a function from n texts to unit-length embeddings, float32 [n, D]."""
