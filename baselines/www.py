"""WWW's concept matching: the set of words near to the mean embedding of a unit's top images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.errors import missing_template
from baselines.similarity_parameters import check_parameter


@dataclass(frozen=True)
class WordSets:
    """Concept matching of WWW (Ahn et al., CVPR 2024): an ordered set of words for each unit.

    The weight of a word is the mean over the unit's top images of cos(image, template of the word),
    less cos(image, template alone) if `adaptive`. The unit's set holds the words whose weight
    exceeds `alpha` percent of the largest. The subtraction does not change the order of the words,
    but the size of the set: what all words share does not count towards the percentage.

    The published code differs: a unit whose largest weight is below 0 has an empty set (here, its
    best words), and chunks of similarities may split the images of a unit.

    Attributes:
        top_k: Images per unit.
        alpha: Percentage of the largest weight that words must exceed, in [0, 100].
        adaptive: Subtract the similarity of the template alone.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Set of concepts near to the mean embedding of the top images"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings", "blank_embedding"}
    )
    given: ClassVar[str] = "captions (through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "concept set"
    source: ClassVar[str] = (
        "Ahn, Kim and Kim, WWW: A Unified Framework for Explaining What, Where and Why of Neural "
        "Networks by Interpretation of Neuron Concepts, CVPR 2024, arXiv:2402.18956; "
        "https://github.com/ailab-kyunghee/WWW"
    )

    top_k: int = 40
    alpha: float = 95.0
    adaptive: bool = True

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        check_parameter("top_k", self.top_k)
        if not (math.isfinite(self.alpha) and 0 <= self.alpha <= 100):
            raise ValueError(f"alpha must be a percentage in [0, 100], not {self.alpha!r}")

    def check_template(self, embedded: bool) -> None:
        """Check that an encoder fits whose template without a label is or is not embedded.

        Raises:
            MethodError: The template is needed, and has no embedding.
        """
        if self.adaptive and not embedded:
            raise missing_template("adaptive=false")

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D], concept embeddings [C, D] and,
                if `adaptive`, the embedding of the template [D].
            seed: Not used.

        Returns:
            Weights, float32 [U, C]: NaN rows for dead units, -inf for words outside the unit's set.
            The table "word_sets" has the number of words in each set.

        Raises:
            ValueError: Embeddings are missing, or do not match.
        """
        import numpy as np
        import pandas as pd
        import torch

        from baselines.alignment import (
            normalise_images,
            unit_embeddings,
            word_sets,
            word_weights,
        )
        from baselines.alignment.labelling import blank_of, note_top_k
        from baselines.similarity import live_units

        images, concepts = evidence.embedded()
        blank = blank_of(evidence, "adaptive=false") if self.adaptive else None
        activations = evidence.activations
        images = normalise_images(images, activations)
        vectors = unit_embeddings(images, activations, top_k=self.top_k)
        weights = word_weights(vectors, concepts, blank)
        chosen = word_sets(weights, self.alpha)
        sizes = chosen.sum(dim=1).cpu().numpy()
        live = live_units(activations)
        outside = live[:, None] & ~chosen
        return Labelling(
            concepts=evidence.concepts,
            scores=torch.where(outside, -torch.inf, weights),
            tables={"word_sets": pd.DataFrame({"unit": np.arange(len(sizes)), "words": sizes})},
            notes=note_top_k(self.top_k, len(activations)),
        )
