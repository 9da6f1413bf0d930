"""A captioner made of a feature pyramid, decoder, language model and vocabulary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from baselines.captioning import search as searching
from baselines.captioning.vocabulary import reconstruct
from baselines.captions import Candidate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from baselines.captioning.decoder import Decoder
    from baselines.captioning.language_model import LanguageModel
    from baselines.captioning.pyramid import Pyramid
    from baselines.captioning.search import Sentences
    from baselines.captioning.vocabulary import Vocabulary
    from baselines.captions import Search
    from baselines.spatial import Exemplars


class TrainedCaptioner:
    """A trained captioner (`baselines.captions.Captioner`).

    Args:
        pyramid: Pyramid of the features that the decoder was trained on.
        decoder: Decoder; set to eval mode.
        language_model: Language model; set to eval mode. Or None.
        vocabulary: Vocabulary of both.
        device: Device of all parts.

    Raises:
        ValueError: The parts do not match.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        decoder: Decoder,
        language_model: LanguageModel | None,
        vocabulary: Vocabulary,
        *,
        device: str | torch.device = "cpu",
    ) -> None:
        if pyramid.feature_size != decoder.config.feature_size:
            raise ValueError(
                f"the decoder needs features of size {decoder.config.feature_size}, but the "
                f"pyramid has {pyramid.feature_size}"
            )
        sizes = {len(vocabulary), decoder.config.vocabulary_size}
        if language_model is not None:
            sizes.add(language_model.config.vocabulary_size)
        if len(sizes) > 1:
            raise ValueError(f"vocabularies of different sizes: {sorted(sizes)}")
        self._pyramid = pyramid.to(device).eval()
        self._decoder = decoder.to(device).eval()
        self._language_model = None if language_model is None else language_model.to(device).eval()
        self._vocabulary = vocabulary

    @property
    def image_size(self) -> int:
        """Side of its exemplar images and masks, in pixels."""
        return self._pyramid.image_size

    @property
    def has_prior(self) -> bool:
        """Whether it computes log p(s)."""
        return self._language_model is not None

    def describe(
        self,
        exemplars: Exemplars,
        units: Sequence[int],
        search: Search,
        *,
        seed: int,
        progress: bool = False,
    ) -> list[list[Candidate]]:
        """Return sentences for units; see `baselines.captions.Captioner.describe`."""
        features = self._pyramid.masked_features(exemplars, units, progress=progress)
        return self.describe_features(features, units, search, seed=seed, progress=progress)

    @torch.inference_mode()
    def describe_features(
        self,
        features: Tensor,
        units: Sequence[int],
        search: Search,
        *,
        seed: int,
        progress: bool = False,
    ) -> list[list[Candidate]]:
        """Return sentences from given features [n, K, F] of n units; else as `describe`."""
        found = self._search(features, units, search, seed, progress)
        log_prior = found.log_prior
        if log_prior is None and self._language_model is not None:
            log_prior = searching.log_priors(found, self._language_model)
        if log_prior is None:
            log_prior = torch.full_like(found.log_p, math.nan)
        columns = found.tokens, found.log_p, log_prior, found.scores
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [self._distinct(*row) for row in rows]

    def _search(
        self, features: Tensor, units: Sequence[int], search: Search, seed: int, progress: bool
    ) -> Sentences:
        weight = search.pmi_weight if self.has_prior else 0.0
        if search.strategy in ("beam", "greedy"):
            return searching.beam(
                self._decoder,
                features,
                width=1 if search.strategy == "greedy" else search.beam,
                language_model=self._language_model,
                pmi_weight=weight,
                progress=progress,
            )
        if search.strategy == "rerank":
            found = searching.beam(self._decoder, features, width=search.beam, progress=progress)
        else:
            found = searching.sample(
                self._decoder, features, units, seed=seed, count=search.beam, progress=progress
            )
        return searching.reorder(
            found, self._language_model, weight, official_lm_score=search.official_lm_score
        )

    def _distinct(
        self,
        tokens: Sequence[Sequence[int]],
        log_p: Sequence[float],
        log_prior: Sequence[float],
        scores: Sequence[float],
    ) -> list[Candidate]:
        """Return a unit's candidates, best first; each text once, with its best score."""
        kept: dict[str, Candidate] = {}
        for ids, *numbers in zip(tokens, log_p, log_prior, scores, strict=True):
            text = reconstruct(self._vocabulary.decode(ids))
            if text and text not in kept and numbers[-1] > -math.inf:
                kept[text] = Candidate(text, *numbers)
        return list(kept.values())
