"""Descriptions of units by a model that captions single images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

from baselines.captions import Candidate
from baselines.exemplar_images import GREY, masked_crops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.captions import Search
    from baselines.exemplar_images import Background
    from baselines.spatial import Exemplars
    from bench.parts.captioners.image_to_text import ImageToText, Words


class CropCaptioner:
    """A captioner (`baselines.captions.Captioner`) of crops of the exemplars.

    Each exemplar with a non-empty mask gives a crop (`masked_crops`), resized to S x S pixels. The
    best `sources` crops of a unit give sentences; then

        log p(s | v) = mean over all K crops of log p(s | crop)
        log p(s)     = log p(s | a grey image), if the model has a prior.

    "rerank" sorts the `beam` most likely sentences by log p(s | v) - pmi_weight * log p(s), and
    "sample" sorts random sentences in the same way. "beam" and "greedy" sort by log p(s | v) only,
    since the model has no language model to subtract at each step. A unit without crops has no
    sentences. `official_lm_score` has no effect, since no official code scores in this way.

    Args:
        model: The model on its device.
        image_size: S.
        background: Fill of the pixels outside the masks.
        has_prior: Whether a grey image gives log p(s).
        sources: Crops that give sentences; each gives beam / sources of them.
    """

    def __init__(
        self,
        model: ImageToText,
        *,
        image_size: int,
        background: Background,
        has_prior: bool,
        sources: int,
    ) -> None:
        self._model = model
        self._size = image_size
        self._background: Background = background
        self._sources = sources
        self._blank: tuple[Tensor, Tensor | None] | None = None
        if has_prior:
            grey = np.full((1, image_size, image_size, 3), GREY, dtype=np.uint8)
            self._blank = model.see(grey)

    @property
    def image_size(self) -> int:
        """S."""
        return self._size

    @property
    def has_prior(self) -> bool:
        """Whether log p(s) is defined."""
        return self._blank is not None

    def describe(
        self,
        exemplars: Exemplars,
        units: Sequence[int],
        search: Search,
        *,
        seed: int,
        progress: bool = False,
    ) -> list[list[Candidate]]:
        """Return sentences of units (see `baselines.captions.Captioner`).

        Raises:
            ValueError: The exemplars have another size.
        """
        if exemplars.size != self._size:
            raise ValueError(f"exemplars of {exemplars.size} pixels, not {self._size}")
        bar = tqdm(units, unit="unit", desc="sentences", disable=None if progress else True)
        return [self._unit(exemplars, unit, search, seed) for unit in bar]

    def _unit(self, exemplars: Exemplars, unit: int, search: Search, seed: int) -> list[Candidate]:
        crops = masked_crops(exemplars, unit, self._background)
        if not crops:
            return []
        seen = self._model.see(np.stack([_resize(crop, self._size) for crop in crops]))
        sentences = list(dict.fromkeys(self._candidates(seen[0], search, [seed, unit])))
        likely = self._model.log_p(seen, sentences).mean(axis=0)
        prior = np.full(len(sentences), np.nan)
        if self._blank is not None:
            prior = self._model.log_p(self._blank, sentences)[0]
        score = likely
        if self._blank is not None and search.strategy in ("rerank", "sample"):
            score = likely - search.pmi_weight * prior
        most = 1 if search.strategy == "greedy" else search.beam
        kept = np.argsort(-likely, kind="stable")[:most]
        found: dict[str, Candidate] = {}
        for at in kept[np.argsort(-score[kept], kind="stable")]:
            text = tidy(self._model.text(sentences[at]))
            if text and text not in found:
                found[text] = Candidate(text, float(likely[at]), float(prior[at]), float(score[at]))
        return list(found.values())

    def _candidates(self, pixels: Tensor, search: Search, seed: list[int]) -> list[Words]:
        if search.strategy == "greedy":
            return self._model.search(pixels[:1], 1)
        sources = min(self._sources, len(pixels), search.beam)
        each = -(-search.beam // sources)
        if search.strategy != "sample":
            return self._model.search(pixels[:sources], each)
        # One seed per crop, so that samples do not depend on the batch.
        drawn = []
        for source in range(sources):
            own = int(np.random.SeedSequence([*seed, source]).generate_state(1)[0])
            drawn += self._model.sample(pixels[source : source + 1], each, own)
        return drawn[: search.beam]


def tidy(text: str) -> str:
    """Format a sentence: single blanks, none before punctuation, a capital first letter."""
    text = " ".join(text.split())
    text = re.sub(r"\s+([.,;:!?])", r"\1", text)
    text = re.sub(r"\s*-\s*", "-", text)
    return text[:1].upper() + text[1:]


def _resize(crop: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if crop.shape[0] == size:
        return crop
    resized = Image.fromarray(crop).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(resized)
