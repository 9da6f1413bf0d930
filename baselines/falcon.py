"""FALCON: words of captions of a unit's images that captions of look-alikes do not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

_TEMPERATURE = 100.0
"""Factor of cosines before the softmax over captions."""

_BLOCK_SCORES = 1 << 24
"""Scores of images and captions that are computed together."""


@dataclass(frozen=True)
class Falcon:
    """FALCON (Kalibhat et al., ICML 2023), for single units.

    1. Images of high activation: rows of the layer scaled to unit length, values of at least the
       mean plus five standard deviations of all. Fewer than `least` + 1 images: the `least` best.
    2. Look-alikes: images of low activation whose other units respond alike.
    3. The captions nearest to each image, of the concept set (`concepts=file`: one caption a line).
    4. Words of the first images' captions, by mean score; those of a score of at least
       `contrast` for the look-alikes are removed.

    The paper describes groups of units that are high together, from crops by Grad-CAM, and leaves
    out those whose images differ; here every live unit is described from whole images, and the
    table "contrasts" tells how alike they are. Captions are those of a file, not of LAION.
    `baselines.contrast.words` says how words are cleaned.

    Attributes:
        captions: Captions of each image.
        least: Images of high activation, of which there must be more.
        look_alikes: Images of low activation, at most.
        contrast: Words of at least this score for the look-alikes are removed.
        words: Words of a unit, at most.
        longest: Maximum number of neighbouring words that count as one.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Words of captions of its top images, without those of look-alikes"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings"}
    )
    given: ClassVar[str] = "captions (a file, and through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "words of the concept set"
    source: ClassVar[str] = (
        "Kalibhat, Bhardwaj, Bruss, Firooz, Sanjabi and Feizi, Identifying Interpretable Subspaces "
        "in Image Representations, ICML 2023, arXiv:2307.10504; "
        "https://github.com/NehaKalibhat/falcon-explain"
    )

    captions: int = 5
    least: int = 10
    look_alikes: int = 10
    contrast: float = 0.1
    words: int = 8
    longest: int = 2

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        for name in ("captions", "least", "look_alikes", "words", "longest"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        if not 0 < self.contrast <= 1:
            raise ValueError(f"contrast must be in (0, 1], not {self.contrast!r}")

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D], and captions with their
                embeddings [C, D].
            seed: Not used.

        Returns:
            Each unit's best words with scores; none for a dead unit and for one without a word,
            which is counted as silent. The table "contrasts" has the numbers of images and how
            alike they are, the table "words" the scores of all words.

        Raises:
            ValueError: Embeddings are missing.
        """
        import pandas as pd
        import torch
        from torch.nn.functional import normalize

        from baselines.contrast.images import find_contrasts, levels
        from baselines.contrast.words import DIGITS, order_terms, score_terms
        from baselines.similarity import live_units

        images, texts = (normalize(table.detach(), dim=1) for table in evidence.embedded())
        activations = evidence.activations
        live = live_units(activations).nonzero()[:, 0].tolist()
        # A unit with infinite values must not decide the length of the images' rows.
        finite = torch.where(activations.isfinite().all(dim=0), activations, 0.0)
        contrasts = find_contrasts(levels(finite), least=self.least, look_alikes=self.look_alikes)
        chosen = {
            at
            for u in live
            for part in (contrasts[u].high, contrasts[u].low)
            for at in part.tolist()
        }
        used = torch.tensor(sorted(chosen), dtype=torch.int64, device=images.device)
        said = dict(zip(used.tolist(), self._caption(images[used], texts, evidence), strict=True))
        labels: list[list[tuple[str, float]]] = [[] for _ in contrasts]
        rows: list[tuple[Any, ...]] = []
        word_rows: list[tuple[Any, ...]] = []
        for unit in live:
            high, above, low = contrasts[unit]
            found, against = (
                score_terms([said[at] for at in part.tolist()], longest=self.longest)
                for part in (high, low)
            )
            kept = {
                term: own for term, own in found.items() if against.get(term, 0) < self.contrast
            }
            # Scores by which words are ordered, so that none is above that of the word before.
            labels[unit] = [
                (term, round(own, DIGITS)) for term, own in order_terms(kept)[: self.words]
            ]
            alike = float((images[high].double().mean(dim=0) ** 2).sum())
            rows.append((unit, len(high), above, len(low), alike))
            word_rows += [
                (unit, term, own, against.get(term, 0.0)) for term, own in order_terms(found)
            ]
        below = sum(not contrasts[unit].above for unit in live)
        return Labelling(
            concepts=(),
            scores=None,
            texts=labels,
            tables={
                "contrasts": pd.DataFrame(
                    rows, columns=["unit", "high", "above_threshold", "low", "mean_cosine"]
                ),
                "words": pd.DataFrame(word_rows, columns=["unit", "word", "high", "low"]),
            },
            counts={
                "silent_units": sum(not labels[unit] for unit in live),
                "units_below_threshold": below,
            },
        )

    def _caption(
        self, images: Tensor, texts: Tensor, evidence: Evidence
    ) -> list[list[tuple[str, float]]]:
        """Return the nearest captions of images, with their share in a softmax over all."""
        import torch

        from baselines.similarity import top_concepts

        found: list[list[tuple[str, float]]] = []
        for block in torch.split(images, max(1, _BLOCK_SCORES // len(texts))):
            shares = (_TEMPERATURE * block @ texts.T).softmax(dim=1)
            best = top_concepts(shares, self.captions)
            pairs = zip(best.tolist(), shares.gather(1, best).tolist(), strict=True)
            found += [
                [(evidence.concepts[at], share) for at, share in zip(*pair, strict=True)]
                for pair in pairs
            ]
        return found
