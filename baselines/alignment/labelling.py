"""Vectors of labels, and what methods note in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.functional import normalize

from baselines.alignment.scores import centre
from baselines.errors import missing_template
from baselines.similarity.inputs import live_units

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.base import Evidence

Subtract = Literal["none", "template", "mean"]


def label_vectors(evidence: Evidence, subtract: Subtract, *, otherwise: Subtract) -> Tensor:
    """Return what the labels add to their template, or to their mean, float64 [C, D].

    Args:
        evidence: Evidence with concept embeddings.
        subtract: "none"; "template": the embedding of the template without a label; "mean": the
            mean of the labels' embeddings of unit length.
        otherwise: Value of the method's parameter `subtract` that needs no template.

    Raises:
        ValueError: Embeddings are missing.
    """
    texts = evidence.embedded()[1].detach().double()
    if subtract == "template":
        return texts - blank_of(evidence, f"subtract={otherwise}").double()
    return centre(normalize(texts, dim=1)) if subtract == "mean" else texts


def blank_of(evidence: Evidence, otherwise: str) -> Tensor:
    """Return the embedding of the template without a label [D].

    Args:
        evidence: The evidence.
        otherwise: Setting of the method that needs no template, for the hint.

    Raises:
        MethodError: It is missing.
    """
    if evidence.blank_embedding is None:
        raise missing_template(otherwise)
    return evidence.blank_embedding.detach()


def count_undefined(scores: Tensor, activations: Tensor) -> dict[str, int]:
    """Return the number of scores of live units that are not defined, as a count of the record."""
    live = live_units(activations)
    return {"undefined_scores": int((~torch.isfinite(scores[live])).sum())}


def note_top_k(top_k: int, n_images: int) -> tuple[str, ...]:
    """Return a note if the method asks for more images than there are."""
    if top_k <= n_images:
        return ()
    return (f"top_k clamped from {top_k} to {n_images}: the probe set has {n_images} images",)
