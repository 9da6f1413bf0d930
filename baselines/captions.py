"""What a method that writes sentences is given: a captioner, and an image-text encoder.

This module imports no torch at run time.
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
    """How sentences are looked for (MILAN, section 3 and appendix).

    Attributes:
        strategy: "rerank": the `beam` likeliest sentences, then the one of the highest
            log p(s | v) - pmi_weight * log p(s); "beam" and "greedy": tokens by
            log p(w | ., v) - pmi_weight * log p(w | .) at each step; "sample": `beam` sentences
            drawn from p(s | v), ordered as in "rerank".
        beam: Sentences that are kept at each step, or drawn; 1 for "greedy".
        pmi_weight: Lambda; 0 leaves the language model out.
        official_lm_score: Count one token too many in log p(s), as the official code does: the
            one after the end of the sentence.
    """

    strategy: Strategy = "rerank"
    beam: int = 50
    pmi_weight: float = 0.2
    official_lm_score: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            known = ", ".join(get_args(Strategy))
            raise ValueError(f"strategy is one of {known}, not {self.strategy!r}")
        if self.beam < 1:
            raise ValueError(f"beam is a number of sentences from 1, not {self.beam!r}")
        if not self.pmi_weight >= 0:
            raise ValueError(f"pmi_weight is at least 0, not {self.pmi_weight!r}")


@dataclass(frozen=True)
class Candidate:
    """A sentence for a unit.

    Attributes:
        text: As it is shown: no special tokens, capitalised, without blanks before punctuation.
        log_p: log p(s | v), natural logarithm, the end of the sentence included.
        log_prior: log p(s) without the images; NaN where the captioner cannot say.
        score: What the search ordered it by; higher is better.
    """

    text: str
    log_p: float
    log_prior: float
    score: float


class Captioner(Protocol):
    """A model that puts exemplars into words."""

    @property
    def image_size(self) -> int:
        """Side of the exemplar images and masks that it wants, in pixels."""
        ...

    @property
    def has_prior(self) -> bool:
        """Whether it knows log p(s)."""
        ...

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
            exemplars: Of the whole layer, with images of `image_size`.
            units: Which to describe; none of them dead.
            search: How. A captioner without a prior leaves `pmi_weight` aside.
            seed: For "sample": equal seeds give equal sentences, whatever the batches.
            progress: Show a bar on a terminal.

        Returns:
            For each of `units` its sentences by falling score, one for "greedy" and up to `beam`
            otherwise, each text once (the best of its scores). An empty sentence is left out.
        """
        ...


class ImageText(Protocol):
    """An image-text encoder that is ready to run."""

    def images(self, images: NDArray[np.uint8]) -> Tensor:
        """Embed square images uint8 [B, S, S, 3] -> float32 [B, D], not normalised, on the CPU."""
        ...

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts -> float32 [B, D], not normalised, on the CPU."""
        ...
