"""The contract between the runner and a labelling method.

A method is a frozen dataclass: its fields are its parameters, its class variables say what it
needs and what it is given. It gets an `Evidence` and returns a `Labelling`. This module (and each
method's module) imports no torch at run time, so that `dissectbench list` stays quick.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from torch import Tensor

    from baselines.captions import Captioner, ImageText
    from baselines.similarity.sources import EmbeddedScores
    from baselines.spatial import Exemplars, Maps, Masks

Need = Literal[
    "activations",
    "image_embeddings",
    "concept_embeddings",
    "maps",
    "masks",
    "pseudo_masks",
    "exemplars",
    "captioner",
    "image_text",
]
"""Of evidence; "masks" are the probe's own, "pseudo_masks" a segmenter's; "image_text" is the
encoder itself, for images and texts that a method makes up."""

Vocabulary = Literal["concept set", "mask labels", "formulas of mask labels", "free text"]

CLOSED: frozenset[Vocabulary] = frozenset({"concept set", "mask labels"})
"""Vocabularies that are a set which every unit's scores rank."""


@dataclass(frozen=True)
class Evidence:
    """What was measured once on the probe set and is shared by all methods.

    Activations and embeddings lie on one device: the run's GPU, where it has room for them, else
    the CPU. Maps and exemplars always lie on the CPU.

    Attributes:
        activations: Pooled activations, float32 [N images, U units].
        concepts: The C candidate labels, in the order of the concept set; empty for a method that
            brings its own words.
        image_embeddings: The encoder's image embeddings, float32 [N, D], not normalised;
            None where the method does not need them.
        concept_embeddings: The encoder's text embeddings, float32 [C, D], not normalised;
            None where the method does not need them.
        maps: The layer's activation maps; None where the method does not need them.
        masks: Concept masks of the images; None where the method does not need them.
        exemplars: The units' top images, as the method's `exemplar_rule` and the captioner's image
            size ask for; None where the method does not need them.
        captioner: What puts exemplars into words; None where the method does not need it.
        image_text: The encoder itself; None where the method does not need it.
    """

    activations: Tensor
    concepts: tuple[str, ...]
    image_embeddings: Tensor | None = None
    concept_embeddings: Tensor | None = None
    maps: Maps | None = None
    masks: Masks | None = None
    exemplars: Exemplars | None = None
    captioner: Captioner | None = None
    image_text: ImageText | None = None

    def dissected(self) -> tuple[Maps, Masks]:
        """Return maps and masks, for a method that declared both.

        Raises:
            ValueError: The evidence lacks one of them.
        """
        if self.maps is None or self.masks is None:
            raise ValueError("dissection needs maps and masks: declare both needs")
        return self.maps, self.masks

    def embedded_scores(self) -> EmbeddedScores:
        """Return the cosines of images and concepts as a source that computes them in tiles.

        Raises:
            ValueError: The evidence holds no embeddings.
        """
        from baselines.similarity.sources import EmbeddedScores

        if self.image_embeddings is None or self.concept_embeddings is None:
            raise ValueError("concept scores need image and concept embeddings: declare both needs")
        return EmbeddedScores(self.image_embeddings, self.concept_embeddings)

    def concept_scores(self) -> Tensor:
        """Return the cosines as one matrix, float32 [N, C]: 4 GB for 50,000 x 20,000.

        Raises:
            ValueError: The evidence holds no embeddings.
        """
        return self.embedded_scores().tile(None, 0, len(self.concepts))


@dataclass(frozen=True)
class Labelling:
    """What a method says of every unit of a layer.

    A method that ranks a fixed set of labels gives `scores`; one that makes up its words gives
    `texts` instead. A unit that the method leaves without a label (dead, or no score defined) has
    no finite score in its row of `scores` (NaN throughout for a dead unit, -inf for an undefined
    single score), or an empty list in `texts`.

    Attributes:
        concepts: The C labels that `scores` ranks; empty with `texts`.
        scores: Full score matrix, float32 [U units, C]; higher is better. None with `texts`.
        texts: For each unit its (label, score) pairs, best first. None with `scores`.
        tables: Further tables for the record's folder by file stem, such as {"tally": ...}.
        notes: Sentences for the record, such as "top_k clamped from 100 to 60 images".
        counts: Named counts for the record, such as {"undefined_scores": 12}.
    """

    concepts: tuple[str, ...]
    scores: Tensor | None
    texts: Sequence[Sequence[tuple[str, float]]] | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.scores is None) == (self.texts is None):
            raise ValueError("a labelling has either a score matrix or texts")


@runtime_checkable
class Method(Protocol):
    """A neuron-labelling method.

    Its fields stand in the record and decide the key. Where the default of one depends on another,
    a property `parameters` (a mapping ready for JSON) says what they came to, in their place.

    A method with compiled parts may have a `warm_up()` or `warm_up(device)`, which is called before
    it is timed on that device. A method that needs exemplars has a property `exemplar_rule`
    (`baselines.spatial.ExemplarRule`).

    Class attributes:
        summary: One line for `dissectbench list`.
        version: Raised when labels change, not when code changes.
        needs: The evidence to gather; nothing else is.
        given: What the method was given beyond images: "masks", "class labels", "captions", "none".
        vocabulary: Where its words come from; all but the first two are open, and no set is ranked.
        source: Paper and official code.
    """

    summary: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[frozenset[Need]]
    given: ClassVar[str]
    vocabulary: ClassVar[Vocabulary]
    source: ClassVar[str]

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Name every unit of a whole layer (scores depend on all units of the call).

        Args:
            evidence: The measurements that `needs` asked for.
            seed: For methods that draw at random; equal seeds give equal labels.

        Returns:
            The labelling of all U units.
        """
        ...
