"""MILAN: label a unit with a sentence about its exemplars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.captions import Candidate, Captioner, Search, Strategy
from baselines.clip_rerank import DEFAULT_MIX, check_mix
from baselines.spatial import ExemplarRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from torch import Tensor

    from baselines.captions import ImageText
    from baselines.spatial import Exemplars

SHOWN = 10
"""Number of sentences of a unit that become its labels, as for other methods."""

_BATCH = 128
"""Images per batch of the image-text encoder."""


@dataclass(frozen=True)
class Milan:
    """MILAN (Hernandez et al., ICLR 2022): the sentence of the highest mutual information.

    A captioner proposes likely sentences for a unit's exemplars (images and masks); the best one
    maximises log p(s | v) - pmi_weight * log p(s), with a language model's log p(s) (section 3 of
    the paper).

    `given` assumes a captioner trained on annotated units of other networks; the runner replaces it
    by the `given` of the captioner in use.

    Attributes:
        top_k: Number of images of each unit.
        quantile: A unit's mask is where its up-sampled map exceeds this quantile of its values.
        strategy: Search strategy: "rerank", "beam", "greedy" or "sample".
        beam: Number of sentences in the beam, or of draws.
        pmi_weight: Weight lambda of the language model; 0 ignores it.
        official_lm_score: Count one token too many in log p(s), like the official code.

    Raises:
        ValueError: A value outside its range.
    """

    summary: ClassVar[str] = "Sentence with the highest mutual information with its exemplars"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({"activations", "exemplars", "captioner"})
    given: ClassVar[str] = "annotated units"
    vocabulary: ClassVar[Vocabulary] = "free text"
    source: ClassVar[str] = (
        "Hernandez, Schwettmann, Bau, Bagashvili, Torralba and Andreas, Natural Language "
        "Descriptions of Deep Visual Features, ICLR 2022, arXiv:2201.11114; "
        "https://github.com/evandez/neuron-descriptions"
    )

    top_k: int = 15
    quantile: float = 0.99
    strategy: Strategy = "rerank"
    beam: int = 50
    pmi_weight: float = 0.2
    official_lm_score: bool = False

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        _ = self.exemplar_rule, self.search

    @property
    def exemplar_rule(self) -> ExemplarRule:
        """Rule for exemplars and their masks."""
        return ExemplarRule(top_k=self.top_k, quantile=self.quantile)

    @property
    def search(self) -> Search:
        """Settings of the search for sentences."""
        return Search(self.strategy, self.beam, self.pmi_weight, self.official_lm_score)

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], the units' exemplars and a captioner.
            seed: Seed of the strategy "sample".

        Returns:
            Each unit's ten best sentences with scores; none for a dead unit (activations constant
            or not all finite) and for a unit without sentences, which is counted as silent. The
            table "candidates" has all sentences, with unit and rank from 0.

        Raises:
            ValueError: Exemplars or captioner are missing, or of another layer.
        """
        exemplars, captioner = evidence.exemplars, evidence.captioner
        if exemplars is None or captioner is None:
            raise ValueError("exemplars or captioner are missing; add both to the method's needs")
        units = live_units(evidence, exemplars)
        found = captioner.describe(exemplars, units, self.search, seed=seed, progress=True)
        found = self._ordered(evidence, exemplars, units, found)
        by_unit: list[list[Candidate]] = [[] for _ in range(evidence.activations.shape[1])]
        for unit, candidates in zip(units, found, strict=True):
            by_unit[unit] = candidates
        return Labelling(
            concepts=(),
            scores=None,
            texts=[[(one.text, one.score) for one in unit[:SHOWN]] for unit in by_unit],
            tables={"candidates": candidate_table(by_unit)},
            notes=self._notes(exemplars, captioner),
            counts={"silent_units": sum(not candidates for candidates in found)},
        )

    def _ordered(
        self,
        evidence: Evidence,
        exemplars: Exemplars,
        units: Sequence[int],
        found: list[list[Candidate]],
    ) -> list[list[Candidate]]:
        """Return the captioner's sentences in the method's order."""
        return found

    def _notes(self, exemplars: Exemplars, captioner: Captioner) -> tuple[str, ...]:
        notes = []
        if (used := exemplars.ids.shape[1]) != self.top_k:
            notes.append(
                f"top_k clamped from {self.top_k} to {used}: the probe set has {used} images"
            )
        if self.pmi_weight and not captioner.has_prior:
            notes.append("pmi_weight is ignored: the captioner has no log p(s)")
        return tuple(notes)


@dataclass(frozen=True)
class MilanClip(Milan):
    """MILAN with sentences reranked by an image-text encoder ("+clip" in the paper).

    A sentence's score is (1 - mix) * sum_k cos(s, masked_k) + mix * sum_k cos(s, unmasked_k) over
    the K exemplars. The official code masks the attention of the class token inside CLIP's vision
    transformer; to support any encoder, here pixels outside the mask are painted over with the
    image's mean colour. An exemplar with an empty mask has no masked term.

    The official code takes its candidates from a beam of 1,000 by mutual information per token
    (`strategy=beam`, `pmi_weight=0.5`, `beam=1000`), whose sentences do not end with a small
    language model. Here the candidates are those of `Milan`.

    Attributes:
        mix: Share of the whole images, in [0, 1] (the official lam, whose default of 1.0 in the
            official factory looks at no mask).
    """

    summary: ClassVar[str] = "MILAN's sentences, in the order of an image-text encoder"
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "exemplars", "captioner", "image_text"}
    )

    mix: float = DEFAULT_MIX

    def __post_init__(self) -> None:
        """Check the parameters before any evidence is gathered."""
        super().__post_init__()
        check_mix(self.mix)

    def _ordered(
        self,
        evidence: Evidence,
        exemplars: Exemplars,
        units: Sequence[int],
        found: list[list[Candidate]],
    ) -> list[list[Candidate]]:
        from baselines.clip_rerank import rerank

        if evidence.image_text is None:
            raise ValueError("the encoder is missing; add image_text to the method's needs")
        if not units:
            return found
        masked, unmasked = embed_exemplars(evidence.image_text, exemplars, units)
        return rerank(found, masked, unmasked, evidence.image_text.texts, self.mix)


def live_units(evidence: Evidence, exemplars: Exemplars) -> list[int]:
    """Return the units that carry a signal and have exemplars, in order.

    Raises:
        ValueError: The exemplars are of a layer of another size.
    """
    from baselines.similarity import live_units as carry_a_signal

    live = carry_a_signal(evidence.activations).cpu().numpy()
    if len(live) != len(exemplars.ids):
        raise ValueError(f"activations of {len(live)} units, but exemplars of {len(exemplars.ids)}")
    return [int(unit) for unit in (live & (exemplars.ids[:, 0] >= 0)).nonzero()[0]]


def embed_exemplars(
    encoder: ImageText, exemplars: Exemplars, units: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Embed the exemplars of n units, with masks and without.

    An image of several units is embedded once as a whole.

    Args:
        encoder: The image-text encoder.
        exemplars: Exemplars of the whole layer, K per unit.
        units: The n units, without dead ones.

    Returns:
        Masked and unmasked embeddings, float32 [n, K, D]; masked is NaN for empty masks.
    """
    import numpy as np
    import torch

    from baselines.exemplar_images import paint

    ids = exemplars.ids[list(units)]
    different, positions = np.unique(ids, return_inverse=True)
    wanted = [int(at) for at in different]
    whole = torch.cat(
        [
            encoder.images(exemplars.images(wanted[start : start + _BATCH]))
            for start in range(0, len(wanted), _BATCH)
        ]
    )
    unmasked = whole[torch.from_numpy(positions.reshape(ids.shape))]
    masked = torch.full_like(unmasked, float("nan"))
    for row, unit in enumerate(units):
        masks = exemplars.masks(unit)
        fires = np.flatnonzero(masks.any(axis=(1, 2)))
        for part in np.split(fires, range(_BATCH, len(fires), _BATCH)):
            if len(part):
                images = exemplars.images([int(at) for at in ids[row][part]])
                masked[row, torch.from_numpy(part)] = encoder.images(paint(images, masks[part]))
    return masked, unmasked


def candidate_table(candidates: Sequence[Sequence[Candidate]]) -> pd.DataFrame:
    """Return all sentences of all units.

    Args:
        candidates: Sentences of each unit, best first [U].

    Returns:
        Columns `unit` and `rank` (both from 0), `text`, `score`, `log_p`, `log_prior`.
    """
    import pandas as pd

    rows = [
        (unit, rank, one.text, one.score, one.log_p, one.log_prior)
        for unit, found in enumerate(candidates)
        for rank, one in enumerate(found)
    ]
    return pd.DataFrame(rows, columns=["unit", "rank", "text", "score", "log_p", "log_prior"])
