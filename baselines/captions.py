"""Interfaces of captioners and image-text encoders, for methods that write sentences.

This module does not import torch at run time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.spatial import Exemplars

Strategy = Literal["rerank", "beam", "greedy", "sample"]


@dataclass(frozen=True)
class Search:
    """Settings of the search for sentences (MILAN, section 3 and appendix).

    Attributes:
        strategy: "rerank": the `beam` likeliest sentences, then the one of the highest
            log p(s | v) - pmi_weight * log p(s); "beam" and "greedy": tokens by
            log p(w | ., v) - pmi_weight * log p(w | .) at each step; "sample": `beam` sentences
            drawn from p(s | v), ordered as in "rerank".
        beam: Number of sentences in the beam, or of draws; 1 for "greedy".
        pmi_weight: Weight lambda; 0 ignores the language model.
        official_lm_score: Count the token after the end of the sentence in log p(s), like the
            official code.
    """

    strategy: Strategy = "rerank"
    beam: int = 50
    pmi_weight: float = 0.2
    official_lm_score: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            known = ", ".join(get_args(Strategy))
            raise ValueError(f"strategy must be one of {known}, not {self.strategy!r}")
        if self.beam < 1:
            raise ValueError(f"beam must be at least 1, not {self.beam!r}")
        if not self.pmi_weight >= 0:
            raise ValueError(f"pmi_weight must be at least 0, not {self.pmi_weight!r}")


@dataclass(frozen=True)
class Candidate:
    """A sentence for a unit.

    Attributes:
        text: Readable text: no special tokens, capitalised, without spaces before punctuation.
        log_p: log p(s | v), natural logarithm, including the end of the sentence.
        log_prior: log p(s) without the images; NaN if unknown.
        score: Score of the search; higher is better.
    """

    text: str
    log_p: float
    log_prior: float
    score: float


class Captioner(Protocol):
    """A model that describes exemplars in sentences."""

    @property
    def image_size(self) -> int:
        """Side of its exemplar images and masks, in pixels."""

    @property
    def has_prior(self) -> bool:
        """Whether it computes log p(s)."""

    def describe(
        self,
        exemplars: Exemplars,
        units: Sequence[int],
        search: Search,
        *,
        seed: int,
        progress: bool = False,
    ) -> list[list[Candidate]]:
        """Return sentences for units.

        Args:
            exemplars: Exemplars of the whole layer, with images of `image_size`.
            units: Units to describe, without dead ones.
            search: Settings of the search. A captioner without a prior ignores `pmi_weight`.
            seed: Seed of "sample"; results do not depend on batches.
            progress: Show a progress bar on a terminal.

        Returns:
            For each of `units` its sentences by descending score, one for "greedy" and up to `beam`
            otherwise, each text once (with its best score), without empty ones.
        """


class ImageText(Protocol):
    """A loaded image-text encoder."""

    def images(self, images: NDArray[np.uint8]) -> Tensor:
        """Embed square images uint8 [B, S, S, 3] -> float32 [B, D], not normalised, on the CPU."""

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts -> float32 [B, D], not normalised, on the CPU."""
