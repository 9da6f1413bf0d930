"""Read and write Broden, the layout in which Network Dissection published concept masks.

A Broden tree is a folder with `index.csv` (images and their annotations), `label.csv`,
`category.csv`, a `c_<category>.csv` for each category, and `images/` with images and mask PNGs.

Source: Bau et al., "Network Dissection" (CVPR 2017), and the data sets broden1_224 and broden1_227.
"""

from bench.broden.content import BrodenLabel, MaskedImage
from bench.broden.masks import BrodenMasks
from bench.broden.tree import Broden, open_broden
from bench.broden.write import write_broden

__all__ = [
    "Broden",
    "BrodenLabel",
    "BrodenMasks",
    "MaskedImage",
    "open_broden",
    "write_broden",
]
