"""Optional protocols of parts: what a part may offer beyond the protocol of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.calibration import Calibration
    from bench.networks.loaded import LoadedTarget
    from bench.parts.layer_arrays import Array, LayerArrays
    from bench.parts.protocols import Probe


@runtime_checkable
class HasModulePaths(Protocol):
    """Optional for a target: list the modules without loading weights.

    Only patterns in `target.layers` need them; a target without this method is loaded for them.
    """

    def module_paths(self) -> tuple[str, ...]:
        """Return the paths of the network's modules, in the network's order."""


@runtime_checkable
class HasUntrained(Protocol):
    """Optional for a target: build the network without weights, to inspect its layers' layouts.

    A target without this method is loaded for them.
    """

    def untrained(self) -> LoadedTarget:
        """Return the network with random weights."""


@runtime_checkable
class GivesArrays(Protocol):
    """Optional for a target: give activations as arrays; no network runs, and none is loaded.

    Its `load` raises UserError: whatever needs the network itself is refused with that message.
    """

    def module_paths(self) -> tuple[str, ...]:
        """Return the names of its layers."""

    def arrays(self, layer: str, probe: Probe) -> LayerArrays:
        """Return a layer's activations on all images of a probe set, in the set's order.

        Cheap: reads shapes only. The fingerprint decides every value.

        Raises:
            UserError: There is no such layer, or the activations do not belong to these images.
        """


@runtime_checkable
class GivesEmbeddings(Protocol):
    """Optional for an encoder: give image embeddings as arrays; no image is decoded for them."""

    def image_embeddings(self, probe: Probe) -> Array:
        """Return the embeddings of all images of a probe set, in its order, float32 [N, D].

        Raises:
            UserError: The embeddings do not belong to these images.
        """

    def check_embeddings(self, probe: Probe, words: Sequence[str]) -> None:
        """Check that all images of a probe set and all words have embeddings.

        Raises:
            UserError: Some have not.
        """


class HasCalibration(Protocol):
    """Optional for an encoder: how its cosines become probabilities of concepts."""

    @property
    def calibration(self) -> Calibration | None:
        """The sigmoid; None if it is not known for these weights."""


class HasPlainLayers(Protocol):
    """Optional for a target: the layouts of its layers are known without running it."""

    plain_layers: bool
    """Whether all layers give [B, U, H, W] or [B, U]."""


class HasView(Protocol):
    """Optional for a target or segmenter: the part of an image that it sees (default: all)."""

    @property
    def visible_share(self) -> float | None:
        """Side of the central square as a share of the image's shorter side; None if unknown."""

    @property
    def squashes(self) -> bool:
        """Whether it resizes the whole image to a square, ignoring its aspect ratio."""


class HasParameters(Protocol):
    """Optional for any part: what the record calls its parameters (default: all fields)."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters by name, as JSON values, without paths that decide nothing."""


@runtime_checkable
class HasUnitsWithoutConcept(Protocol):
    """Optional for a truth: units that are known to respond to no concept."""

    def without_concept(self) -> frozenset[int]:
        """Return these units; none of them has a true name, and some may be dead."""


@runtime_checkable
class HasNotes(Protocol):
    """Optional for a probe set: remarks for the record."""

    def notes(self) -> tuple[str, ...]:
        """Return remarks on the set for a reader of the record."""


class ShowsGlyphs(Protocol):
    """Optional for any part: it was trained on, or shows, only images of the embedded world."""

    of_glyphs: bool


class HasSquareImages(Protocol):
    """Optional for a probe set: all its images are square."""

    square_images: bool
