"""SemanticLens: label a unit with the text nearest to the mean embedding of its top images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.choice import check_choice
from baselines.errors import missing_template
from baselines.similarity_parameters import check_parameter


@dataclass(frozen=True)
class SemanticLens:
    """SemanticLens (Dreyer et al., Nature Machine Intelligence 2025), by the whole top images.

    The published code differs: it averages embeddings that are not normalised, so that images of
    long embeddings weigh more; it keeps activations in bfloat16, where 1.000 and 1.003 are equal;
    and it embeds the data set's last image for a unit of fewer than `top_k` positive activations.
    Here embeddings have unit length, activations are float32, and the images at the unit's lowest
    activation are left out. Labels of several templates are not mixed up.

    Attributes:
        top_k: Images per unit. The published code has no default; its tutorial uses 20.
        subtract: What is subtracted from the labels' embeddings. "template": the embedding of the
            encoder's template without a label, as published. "mean": their mean, and from the
            units' vectors the mean of the images. "none": nothing.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Concept nearest to the mean embedding of the top images"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings", "blank_embedding"}
    )
    given: ClassVar[str] = "captions (through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "concept set"
    source: ClassVar[str] = (
        "Dreyer, Berend, Labarta, Vielhaben, Wiegand, Lapuschkin and Samek, Mechanistic "
        "understanding and validation of large AI models with SemanticLens, Nature Machine "
        "Intelligence 2025, arXiv:2501.05398; https://github.com/jim-berend/semanticlens"
    )

    top_k: int = 20
    subtract: Literal["none", "template", "mean"] = "template"

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        check_parameter("top_k", self.top_k)
        check_choice("subtract", self.subtract, ("none", "template", "mean"))

    def check_template(self, embedded: bool) -> None:
        """Check that an encoder fits whose template without a label is or is not embedded.

        Raises:
            MethodError: The template is needed, and has no embedding.
        """
        if self.subtract == "template" and not embedded:
            raise missing_template("subtract=mean")

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D], concept embeddings [C, D] and
                the embedding of the template [D].
            seed: Seed of the random images of the statistics; labels do not depend on it.

        Returns:
            Cosines, float32 [U, C]: NaN rows for dead units, -inf where a vector has length 0. The
            table "unit_statistics" says how much one thing a unit's images are
            (`baselines.alignment.unit_statistics`).

        Raises:
            ValueError: Embeddings are missing, or do not match.
        """
        import torch

        from baselines.alignment import (
            align,
            normalise_images,
            unit_embeddings,
            unit_statistics,
        )
        from baselines.alignment.labelling import count_undefined, label_vectors, note_top_k

        activations = evidence.activations
        images = normalise_images(evidence.embedded()[0], activations)
        texts = label_vectors(evidence, self.subtract, otherwise="mean")
        vectors = unit_embeddings(images, activations, top_k=self.top_k)
        table = unit_statistics(images, activations, vectors, top_k=self.top_k, seed=seed)
        if self.subtract == "mean":
            vectors = vectors - images.mean(dim=0, dtype=torch.float64)
        scores = align(vectors, texts)
        return Labelling(
            concepts=evidence.concepts,
            scores=scores,
            tables={"unit_statistics": table},
            notes=note_top_k(self.top_k, len(activations)),
            counts=count_undefined(scores, activations),
        )
