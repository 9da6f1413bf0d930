"""The contract between the runner and a labelling method.

A method is a frozen dataclass: its fields are its parameters, its class variables declare its
evidence and supervision. It gets an `Evidence` and returns a `Labelling`. This module and the
methods' modules do not import torch at run time, so that `dissectbench list` is fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.calibration import Calibration
    from baselines.captions import Captioner, ImageText
    from baselines.generated import ImageGenerator, LanguageModel, TargetLayer
    from baselines.similarity.sources import EmbeddedScores
    from baselines.spatial import Exemplars, Maps, Masks

Need = Literal[
    "activations",
    "image_embeddings",
    "concept_embeddings",
    "blank_embedding",
    "calibration",
    "maps",
    "masks",
    "pseudo_masks",
    "exemplars",
    "captioner",
    "image_text",
    "target",
    "language_model",
    "generator",
]
"""Kinds of evidence; "blank_embedding" is of the encoder's template without a label; "calibration"
turns its cosines into probabilities; "masks" are the probe set's, "pseudo_masks" a segmenter's;
"image_text" is the encoder itself and "target" the layer itself, for images and texts that a method
creates; "language_model" and "generator" may be none."""

Vocabulary = Literal[
    "concept set",
    "words of the concept set",
    "mask labels",
    "formulas of mask labels",
    "free text",
]

RESAMPLED: frozenset[Need] = frozenset(
    {
        "activations",
        "image_embeddings",
        "concept_embeddings",
        "blank_embedding",
        "calibration",
        "maps",
        "masks",
        "pseudo_masks",
        "captioner",
        "image_text",
        "target",
        "language_model",
        "generator",
    }
)
"""Kinds of evidence that `Evidence.resample` supports."""

CLOSED: frozenset[Vocabulary] = frozenset({"concept set", "mask labels"})
"""Vocabularies that are a fixed set of labels, ranked for every unit."""


@dataclass(frozen=True)
class Evidence:
    """Measurements on the probe set, shared by all methods.

    Activations and embeddings are on one device: the run's GPU if they fit, else the CPU. Maps and
    exemplars are always on the CPU.

    Attributes:
        activations: Pooled activations, float32 [N images, U units].
        concepts: The C candidate labels, in the order of the concept set; empty for a method with
            an open vocabulary.
        image_embeddings: The encoder's image embeddings, float32 [N, D], not normalised; this and
            the following are None if the method does not need them.
        concept_embeddings: The encoder's text embeddings, float32 [C, D], not normalised.
        blank_embedding: The encoder's embedding of its template without a label, float32 [D], not
            normalised; None too where the encoder is embeddings in files.
        calibration: The sigmoid that turns the encoder's cosines into probabilities; None too where
            none is known.
        maps: The layer's activation maps.
        masks: Concept masks of the images.
        exemplars: The units' top images, by the method's `exemplar_rule` and in the captioner's
            image size.
        captioner: Model that describes exemplars in sentences.
        image_text: The encoder itself.
        target: The layer itself.
        language_model: Model that answers in words; None where none is configured.
        generator: Source of images of concepts; None where none is configured.
    """

    activations: Tensor
    concepts: tuple[str, ...]
    image_embeddings: Tensor | None = None
    concept_embeddings: Tensor | None = None
    blank_embedding: Tensor | None = None
    calibration: Calibration | None = None
    maps: Maps | None = None
    masks: Masks | None = None
    exemplars: Exemplars | None = None
    captioner: Captioner | None = None
    image_text: ImageText | None = None
    target: TargetLayer | None = None
    language_model: LanguageModel | None = None
    generator: ImageGenerator | None = None

    def resample(self, indices: NDArray[np.int64]) -> Evidence:
        """Return the evidence on resampled probe images, without running a network.

        Args:
            indices: Ascending positions of images, with repetitions, int64 [M], M >= 1.

        Raises:
            ValueError: Positions are not ascending, or the evidence contains exemplars, whose
                choice and masks need another pass over maps and images.
        """
        import torch

        from baselines.bootstrap import ResampledMaps, ResampledMasks

        if (indices[1:] < indices[:-1]).any():
            raise ValueError("positions of resampled images must be ascending")
        if self.exemplars is not None:
            raise ValueError("exemplars cannot be resampled")
        rows = torch.from_numpy(indices).to(self.activations.device)
        images = self.image_embeddings
        return replace(
            self,
            activations=self.activations[rows],
            image_embeddings=None if images is None else images[rows],
            maps=None if self.maps is None else ResampledMaps(self.maps, indices),
            masks=None if self.masks is None else ResampledMasks(self.masks, indices),
        )

    def dissected(self) -> tuple[Maps, Masks]:
        """Return maps and masks, for a method that declared both.

        Raises:
            ValueError: The evidence does not contain both.
        """
        if self.maps is None or self.masks is None:
            raise ValueError("maps or masks are missing; add both to the method's needs")
        return self.maps, self.masks

    def embedded(self) -> tuple[Tensor, Tensor]:
        """Return image and concept embeddings, for a method that declared both.

        Raises:
            ValueError: The evidence does not contain both.
        """
        if self.image_embeddings is None or self.concept_embeddings is None:
            raise ValueError(
                "embeddings are missing; add image_embeddings and concept_embeddings to needs"
            )
        return self.image_embeddings, self.concept_embeddings

    def embedded_scores(self) -> EmbeddedScores:
        """Return the cosines of images and concepts as a source that computes them in tiles.

        Raises:
            ValueError: The evidence does not contain embeddings.
        """
        from baselines.similarity.sources import EmbeddedScores

        return EmbeddedScores(*self.embedded())

    def concept_scores(self) -> Tensor:
        """Return the cosines as one matrix, float32 [N, C]: 4 GB for 50,000 x 20,000.

        Raises:
            ValueError: The evidence does not contain embeddings.
        """
        return self.embedded_scores().tile(None, 0, len(self.concepts))


@dataclass(frozen=True)
class Labelling:
    """Labels of every unit of a layer.

    A method that ranks a fixed set of labels returns `scores`; one with an open vocabulary returns
    `texts`. A unit without a label (dead, or no score defined) has no finite score in its row of
    `scores` (all NaN for a dead unit, -inf for each undefined score), or an empty list in `texts`.

    Attributes:
        concepts: The C labels of `scores`; empty with `texts`.
        scores: Full score matrix, float32 [U units, C]; higher is better. None with `texts`.
        texts: (label, score) pairs of each unit, best first. None with `scores`.
        tables: Further tables for the record's folder, by file stem, such as {"tally": ...}. A
            method whose answer is a set of words gives "word_sets" (unit, words): how many of a
            unit's labels are its answer.
        notes: Sentences for the record, such as "top_k clamped from 100 to 60 images".
        warnings: Notes that a run shows too, such as why no unit has a label.
        counts: Named counts for the record, such as {"undefined_scores": 12}.
    """

    concepts: tuple[str, ...]
    scores: Tensor | None
    texts: Sequence[Sequence[tuple[str, float]]] | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.scores is None) == (self.texts is None):
            raise ValueError("a labelling must have either scores or texts")


@runtime_checkable
class Method(Protocol):
    """A neuron-labelling method.

    Its fields are part of the record and of the key. If the default of one depends on another, a
    property `parameters` (a mapping ready for JSON) returns the resolved values instead.

    A method with compiled code may define `warm_up()` or `warm_up(device)`, which is called before
    timed runs on that device. A method that needs exemplars has a property `exemplar_rule`
    (`baselines.spatial.ExemplarRule`). One that needs a calibration has a method `calibrate`, which
    returns the calibration to use, given the encoder's own or None. A method whose `superclasses`
    is not "none" gets masks with superclasses as further labels: "wordnet", or a file's. A method
    that cannot search any number of labels may define `check_labels(n_labels)`, and one that needs
    many images `check_images(n_images)`; one that needs the encoder's template without a label,
    `check_template(embedded)`, which is told whether there is an embedding of it. These raise
    `baselines.errors.MethodError` before evidence is gathered.

    Class attributes:
        summary: One line for `dissectbench list`.
        version: Incremented when labels change, not when code changes.
        needs: Evidence to gather.
        given: Supervision of the method beyond images: "masks", "class labels", "captions", "none".
        vocabulary: Origin of its labels; all but the first two are open.
        source: Paper and official code.
    """

    summary: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[frozenset[Need]]
    given: ClassVar[str]
    vocabulary: ClassVar[Vocabulary]
    source: ClassVar[str]

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer (scores depend on all units of the call).

        Args:
            evidence: The evidence in `needs`.
            seed: Seed of random draws; equal seeds give equal labels.

        Returns:
            Labels of all U units.
        """
