"""CLIP-Dissect: label a unit with the concept whose image-text scores match its activations."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

from baselines.base import Evidence, Labelling, Need, Vocabulary
from baselines.similarity_parameters import (
    PARAMETERS,
    SIMILARITIES,
    Baseline,
    check_parameter,
    effective_top_k,
    effective_top_n,
)

__all__ = ["SIMILARITIES", "ClipDissect"]


@dataclass(frozen=True)
class ClipDissect:
    """CLIP-Dissect (Oikarinen and Weng, ICLR 2023) with any of its five similarity functions.

    A parameter that is None takes the default of the chosen function (`baselines.similarity`);
    parameters of other functions must be None.

    Attributes:
        similarity: "soft_wpmi", "wpmi", "rank_reorder", "cos_similarity" or
            "cos_similarity_cubed".
        top_k: Images read per unit (soft_wpmi, wpmi).
        a: Inverse temperature of the softmax over concepts (soft_wpmi, wpmi).
        lam: Weight of the marginal over units (soft_wpmi, wpmi).
        p_start: Membership of the most activating image (soft_wpmi).
        p_end: Limit of the membership (soft_wpmi).
        min_prob: Added inside the logarithm (soft_wpmi, wpmi).
        top_fraction: Share of the images read per unit (rank_reorder).
        p: Power of the error (rank_reorder).
        scale_p: Power of the mean concept score (rank_reorder).
        baseline: "exact" or "official" error of a random order (rank_reorder).
        min_norm: Smallest divisor (cos_similarity_cubed).

    Raises:
        ValueError: An unknown similarity, a parameter of another function, or a value out of range.
    """

    summary: ClassVar[str] = "Concept whose CLIP scores over the probe images match the activations"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"activations", "image_embeddings", "concept_embeddings"}
    )
    given: ClassVar[str] = "captions (through its image-text encoder)"
    vocabulary: ClassVar[Vocabulary] = "concept set"
    source: ClassVar[str] = (
        "Oikarinen and Weng, CLIP-Dissect: Automatic Description of Neuron Representations in Deep "
        "Vision Networks, ICLR 2023, arXiv:2204.10965; "
        "https://github.com/Trustworthy-ML-Lab/CLIP-dissect"
    )

    similarity: str = "soft_wpmi"
    top_k: int | None = None
    a: float | None = None
    lam: float | None = None
    p_start: float | None = None
    p_end: float | None = None
    min_prob: float | None = None
    top_fraction: float | None = None
    p: float | None = None
    scale_p: float | None = None
    baseline: Baseline | None = None
    min_norm: float | None = None

    def __post_init__(self) -> None:
        """Check the similarity and the parameters before any evidence is gathered."""
        if self.similarity not in PARAMETERS:
            near = get_close_matches(str(self.similarity), SIMILARITIES, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            choices = ", ".join(SIMILARITIES)
            raise ValueError(
                f"unknown similarity {self.similarity!r}: {hint}choose one of: {choices}"
            )
        known = PARAMETERS[self.similarity]
        foreign = sorted(self._given().keys() - known.keys())
        if foreign:
            has = ", ".join(known) if known else "none"
            raise ValueError(
                f"{self.similarity} has no parameter {', '.join(foreign)}; valid: {has}"
            )
        for name, value in self._given().items():
            check_parameter(name, value)

    def _given(self) -> dict[str, float | str]:
        names = {name for known in PARAMETERS.values() for name in known}
        values = {name: getattr(self, name) for name in sorted(names)}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def arguments(self) -> dict[str, float | str]:
        """Parameters of the chosen function, with defaults filled in."""
        return {**PARAMETERS[self.similarity], **self._given()}

    @property
    def parameters(self) -> dict[str, float | str]:
        """The similarity and its arguments, for the record."""
        return {"similarity": self.similarity, **self.arguments}

    def warm_up(self, device: str = "cpu") -> None:
        """Compile the inner loops for a device, ahead of timed calls, by scoring a few numbers.

        Triton compiles once for rows that are aligned to 64 bytes, and once for others.
        """
        import torch

        from baselines import similarity
        from baselines.similarity.sources import EmbeddedScores

        numbers = torch.arange(64.0 * 40, device=device).sin_()
        images, activations = numbers[: 64 * 8].view(64, 8), numbers.view(64, 40)
        for n_concepts in (48, 49):
            scores = EmbeddedScores(images, numbers[: n_concepts * 8].view(n_concepts, 8))
            getattr(similarity, self.similarity)(scores, activations, **self.arguments)

    def describe(self, evidence: Evidence, *, seed: int) -> Labelling:
        """Label every unit of a whole layer.

        Args:
            evidence: Activations [N, U], image embeddings [N, D] and concept embeddings [C, D].
            seed: Seed of rank_reorder's official baseline.

        Returns:
            Scores, float32 [U, C]: NaN rows for dead units, -inf for undefined scores (NaN or
            infinite with the official baseline), with counts; notes name clamped parameters.
        """
        import torch

        from baselines import similarity

        arguments = dict(self.arguments)
        if self.similarity == "rank_reorder":
            arguments["seed"] = seed
        scores = getattr(similarity, self.similarity)(
            evidence.embedded_scores(), evidence.activations, **arguments
        )
        live = similarity.live_units(evidence.activations)
        n_live = int(live.sum())
        return Labelling(
            concepts=evidence.concepts,
            scores=scores,
            notes=self._notes(len(evidence.activations), n_live),
            counts={"undefined_scores": int((~torch.isfinite(scores[live])).sum())},
        )

    def _notes(self, n_images: int, n_live: int) -> tuple[str, ...]:
        parameters = self.arguments
        notes = []
        if "top_k" in parameters:
            wanted = int(parameters["top_k"])
            if (used := effective_top_k(n_images, wanted)) != wanted:
                notes.append(
                    f"top_k clamped from {wanted} to {used}: the probe set has {n_images} images"
                )
            if n_live == 1 and parameters["lam"] == 1:
                notes.append(
                    "every score is 0: a single live unit is its own marginal; label a full layer"
                )
        if "top_fraction" in parameters:
            share = float(parameters["top_fraction"])
            if int(n_images * share) < 1:
                notes.append(
                    f"top images clamped from 0 to 1: top_fraction {share:g} of {n_images} images"
                )
            if effective_top_n(n_images, share) == 1:
                notes.append("a single top image has no order: rank_reorder defines no score")
        return tuple(notes)
