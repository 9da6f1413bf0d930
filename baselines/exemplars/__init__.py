"""Exemplars: the images that a unit responds to most, and where in them it fires.

Source: Hernandez et al., "Natural Language Descriptions of Deep Visual Features" (MILAN), ICLR
2022, section 3; the rule of the masks is that of Bau et al., PNAS 2020.
"""

from baselines.exemplars.select import Ranked, Selected, mask_bits, rank, select

__all__ = ["Ranked", "Selected", "mask_bits", "rank", "select"]
