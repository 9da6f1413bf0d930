"""Rerank sentences with an image-text encoder (MILAN's "+clip").

For the K exemplars of a unit and a sentence s,

    score(s) = (1 - mix) * sum_k cos(s, masked_k) + mix * sum_k cos(s, unmasked_k).

The sums are not divided by K, which does not change the order of a unit's sentences; scores of
units with different numbers of masks are not comparable.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from baselines.captions import Candidate

DEFAULT_MIX = 0.5
"""Value of the official documentation; the official factory passes 1.0, which ignores masks."""


def check_mix(mix: float) -> None:
    """Check a share.

    Raises:
        ValueError: `mix` is outside [0, 1].
    """
    if not 0 <= mix <= 1:
        raise ValueError(f"mix must be in [0, 1], not {mix!r}")


def similarities(texts: Tensor, masked: Tensor, unmasked: Tensor, mix: float) -> Tensor:
    """Score sentences of one unit.

    Args:
        texts: Embeddings [C, D], not normalised.
        masked: Embeddings of the K masked images [K, D]; all NaN for an empty mask, which adds
            nothing to the masked sum.
        unmasked: Embeddings of the whole images [K, D].
        mix: Share of the unmasked sum, in [0, 1] (the official lam).

    Returns:
        float32 [C]. An embedding of length 0 has the cosine 0 with everything.

    Raises:
        ValueError: `mix` is outside [0, 1].
    """
    import torch
    from torch.nn.functional import normalize

    check_mix(mix)
    directions = normalize(texts.float(), dim=1)
    seen = torch.where(torch.isnan(masked).any(dim=1, keepdim=True), 0.0, masked.float())
    # cos is linear in the unit-length image: add the images first.
    wanted = (1 - mix) * normalize(seen, dim=1).sum(dim=0)
    wanted = wanted + mix * normalize(unmasked.float(), dim=1).sum(dim=0)
    return directions @ wanted


def rerank(
    candidates: Sequence[Sequence[Candidate]],
    masked: Tensor,
    unmasked: Tensor,
    texts: Callable[[Sequence[str]], Tensor],
    mix: float = DEFAULT_MIX,
) -> list[list[Candidate]]:
    """Sort the sentences of U units by the encoder's score.

    Args:
        candidates: Sentences of each unit [U].
        masked: Embeddings [U, K, D] of the masked exemplars; rows of NaN for empty masks.
        unmasked: Embeddings [U, K, D] of the whole exemplars.
        texts: Function that embeds n sentences -> [n, D]; called once per distinct sentence.
        mix: Share of the unmasked sum, in [0, 1].

    Returns:
        The same sentences of each unit by descending score of the encoder; ties keep their order.
    """
    different = list(dict.fromkeys(one.text for unit in candidates for one in unit))
    if not different:
        return [[] for _ in candidates]
    embedded = texts(different)
    rows = {text: row for row, text in enumerate(different)}
    ordered: list[list[Candidate]] = []
    for at, unit in enumerate(candidates):
        if not unit:
            ordered.append([])
            continue
        own = embedded[[rows[one.text] for one in unit]]
        found = similarities(own, masked[at], unmasked[at], mix).tolist()
        scored = [
            dataclasses.replace(one, score=score) for one, score in zip(unit, found, strict=True)
        ]
        ordered.append(sorted(scored, key=lambda one: -one.score))
    return ordered
