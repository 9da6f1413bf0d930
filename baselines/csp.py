"""Contrastive Semantic Projection: the mean of the top images without what similar images share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.choice import check_choice
from baselines.errors import missing_template
from baselines.similarity_parameters import check_parameter


@dataclass(frozen=True)
class ContrastiveProjection:
    """Contrastive Semantic Projection (CSP, 2026), with labels from the concept set.

    Of every top image, the projection on the most similar image with an activation below the unit's
    mean is subtracted, so that scenes and things that also show in such images cancel. With
    contrast 0 this is SemanticLens with images weighted by their activations.

    The published code differs: it scores with templates whose mean is not normalised, which favours
    labels whose templates agree; a negative activation turns the sign of its image, and counts as 0
    here; and its candidates may come from a captioner.

    Attributes:
        top_k: Images per unit.
        contrast: Share of the projection that is subtracted, gamma in the paper, of at least 0. The
            published code has no default; its tutorial uses 0.5 and 1. At 1, a top image with an
            almost equal counterpart leaves little but noise.
        subtract: What is subtracted from the labels' embeddings: "none", as published, or
            "template", the embedding of the encoder's template without a label.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Concept nearest to the top images without what similar images share"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings", "blank_embedding"}
    )
    given: ClassVar[str] = "captions (through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "concept set"
    source: ClassVar[str] = (
        "Contrastive Semantic Projection, 2026, arXiv:2604.22477; "
        "https://github.com/oussamabouanani/neurolens"
    )

    top_k: int = 30
    contrast: float = 0.5
    subtract: Literal["none", "template"] = "none"

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        check_parameter("top_k", self.top_k)
        if not (math.isfinite(self.contrast) and self.contrast >= 0):
            raise ValueError(f"contrast must be a number of at least 0, not {self.contrast!r}")
        check_choice("subtract", self.subtract, ("none", "template"))

    def check_template(self, embedded: bool) -> None:
        """Check that an encoder fits whose template without a label is or is not embedded.

        Raises:
            MethodError: The template is needed, and has no embedding.
        """
        if self.subtract == "template" and not embedded:
            raise missing_template("subtract=none")

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D], concept embeddings [C, D] and,
                to subtract it, the embedding of the template [D].
            seed: Seed of the random images of the statistics; labels do not depend on it.

        Returns:
            Cosines, float32 [U, C]: NaN rows for dead units, -inf where a vector has length 0. The
            table "unit_statistics" has in "length" what the subtraction leaves of a unit
            (`baselines.alignment.unit_statistics`).

        Raises:
            ValueError: Embeddings are missing, or do not match.
        """
        from baselines.alignment import (
            align,
            normalise_images,
            unit_embeddings,
            unit_statistics,
        )
        from baselines.alignment.labelling import count_undefined, label_vectors, note_top_k

        activations = evidence.activations
        images = normalise_images(evidence.embedded()[0], activations)
        texts = label_vectors(evidence, self.subtract, otherwise="none")
        vectors = unit_embeddings(
            images, activations, top_k=self.top_k, weighted=True, contrast=self.contrast
        )
        table = unit_statistics(images, activations, vectors, top_k=self.top_k, seed=seed)
        scores = align(vectors, texts)
        return Labelling(
            concepts=evidence.concepts,
            scores=scores,
            tables={"unit_statistics": table},
            notes=note_top_k(self.top_k, len(activations)),
            counts=count_undefined(scores, activations),
        )
