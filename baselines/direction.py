"""Direction naming: label a unit with the text along its covariance with the image embeddings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.choice import check_choice


@dataclass(frozen=True)
class Direction:
    """Name each unit's direction in the space of the image-text encoder.

    The direction reads all images, not only the top ones. Labels and images are centred, so a label
    counts by how it differs from the others. This is the closed form of naming by a linear map from
    activations to embeddings (Moayeri et al., ICML 2023), which is published with a map trained by
    gradient descent.

    Attributes:
        by: "covariance": each unit's own covariance with the embeddings. "ridge": its row of the
            ridge regression from all units to the embeddings, which credits units of similar
            activations with what they add to each other, and may name a unit against its top
            images.
        ridge: Penalty of "ridge" in units of the mean variance of the activations, above 0.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Concept along the covariance of activations and image embeddings"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings"}
    )
    given: ClassVar[str] = "captions (through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "concept set"
    source: ClassVar[str] = (
        "Closed form of: Moayeri, Rezaei, Sanjabi and Feizi, Text-To-Concept (and Back) via "
        "Cross-Model Alignment, ICML 2023, arXiv:2305.06386"
    )

    by: Literal["covariance", "ridge"] = "covariance"
    ridge: float = 0.01

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        check_choice("by", self.by, ("covariance", "ridge"))
        if not (math.isfinite(self.ridge) and self.ridge > 0):
            raise ValueError(f"ridge must be a number above 0, not {self.ridge!r}")

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D] and concept embeddings [C, D].
            seed: Not used.

        Returns:
            Cosines, float32 [U, C]: NaN rows for dead units, -inf where a vector has length 0.

        Raises:
            ValueError: Embeddings are missing, or do not match.
        """
        from baselines.alignment import (
            align,
            covariance_directions,
            normalise_images,
            ridge_directions,
        )
        from baselines.alignment.labelling import count_undefined, label_vectors

        images = normalise_images(evidence.embedded()[0], evidence.activations)
        if self.by == "covariance":
            vectors = covariance_directions(images, evidence.activations)
        else:
            vectors = ridge_directions(images, evidence.activations, ridge=self.ridge)
        scores = align(vectors, label_vectors(evidence, "mean", otherwise="mean"))
        return Labelling(
            concepts=evidence.concepts,
            scores=scores,
            counts=count_undefined(scores, evidence.activations),
        )
