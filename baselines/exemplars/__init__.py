"""Exemplars: the images to which a unit responds most, and masks of where it fires.

Source: Hernandez et al., "Natural Language Descriptions of Deep Visual Features" (MILAN), ICLR
2022, section 3; masks follow Bau et al., PNAS 2020.
"""

from baselines.exemplars.select import Ranking, mask_bits, rank

__all__ = ["Ranking", "mask_bits", "rank"]
