"""The five similarity functions of CLIP-Dissect, as pure functions on tensors.

Each takes concept scores [N images, C concepts] (raw cosines of image and text embeddings) and
pooled activations [N, U units], and returns similarities, float32 [U, C]; higher is better. Pass a
full layer and select units afterwards: soft_wpmi and wpmi score a unit relative to all units of the
call. A unit with constant or not all finite activations is dead: its row is NaN and does not affect
other rows. A score that is not defined for a live unit is -inf.
`top_concepts` reads labels off such a matrix and never chooses either.

Source: Oikarinen and Weng, "CLIP-Dissect: Automatic Description of Neuron Representations in Deep
Vision Networks", ICLR 2023, section 3.2 and appendix A.1.
"""

from baselines.similarity.cosine import cos_similarity, cos_similarity_cubed
from baselines.similarity.inputs import live_units
from baselines.similarity.pointwise import soft_wpmi, wpmi
from baselines.similarity.reorder import rank_reorder
from baselines.similarity.selection import top_concepts

__all__ = [
    "cos_similarity",
    "cos_similarity_cubed",
    "live_units",
    "rank_reorder",
    "soft_wpmi",
    "top_concepts",
    "wpmi",
]
