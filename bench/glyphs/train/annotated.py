"""Glyph annotations: the units of the source networks, described from exact masks.

Each block of images gives every unit another set of exemplars, and so another sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from baselines.exemplars import select
from baselines.spatial import ExemplarRule
from bench.evidence.hooks import LayerTap
from bench.glyphs.annotations import write_annotations
from bench.glyphs.encoder import preprocess
from bench.glyphs.findings import base_rates, find
from bench.glyphs.milan import IMAGE_SIZE
from bench.glyphs.raster import SIZE
from bench.glyphs.train.regions import Regions
from bench.glyphs.train.sources import Source, load_source
from bench.glyphs.vocabulary import OBJECTS
from bench.milan.annotated import ArrayExemplars
from bench.milan.samples import Samples, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from baselines.captioning.pyramid import Pyramid
    from bench.glyphs.findings import Findings
    from bench.glyphs.train.cache import Rendered

BLOCK = 2_000
"""Images of a block: as many as the default probe set has."""
BLOCKS = 6
HIDDEN_BLOCKS = 2
"""Blocks that hidden layers are described on; final layers, which have fewer units, on all."""
RULE = ExemplarRule()
_SEED = 51
_BATCH = 100


@dataclass(frozen=True)
class BlockMaps:
    """Maps of one layer over a block; `baselines.spatial.Maps`.

    Attributes:
        maps: float32 [N, U, h, w].
    """

    maps: torch.Tensor

    @property
    def n_images(self) -> int:
        """N."""
        return len(self.maps)

    @property
    def n_units(self) -> int:
        """U."""
        return int(self.maps.shape[1])

    @property
    def map_size(self) -> tuple[int, int]:
        """(h, w)."""
        return int(self.maps.shape[2]), int(self.maps.shape[3])

    def batches(self) -> Iterator[torch.Tensor]:
        """Go through all images once."""
        for start in range(0, self.n_images, 256):
            yield self.maps[start : start + 256]


def block_exemplars(maps: BlockMaps, pixels: NDArray[np.uint8]) -> ArrayExemplars:
    """A layer's exemplars within a block, as small as the decoder sees them.

    Args:
        maps: Of the layer over the block.
        pixels: The block's images, uint8 [N, SIZE, SIZE, 3].
    """
    chosen = select(maps, maps.maps.mean(dim=(2, 3)), RULE, IMAGE_SIZE)
    side = (IMAGE_SIZE, IMAGE_SIZE)

    def masks_of(unit: int) -> NDArray[np.bool_]:
        bits = np.unpackbits(chosen.masks[unit], axis=-1, count=IMAGE_SIZE**2)
        return bits.reshape(-1, *side).astype(bool)

    def images_of(ids: Sequence[int]) -> NDArray[np.uint8]:
        shown = (Image.fromarray(pixels[i]).resize(side, Image.Resampling.BILINEAR) for i in ids)
        return np.stack([np.asarray(image) for image in shown])

    return ArrayExemplars(chosen.ids, chosen.activations, IMAGE_SIZE, masks_of, images_of)


def annotate(
    source: Source,
    scratch: Path,
    data: Rendered,
    truth: Regions,
    pyramid: Pyramid,
    device: str = "cpu",
) -> tuple[Samples, list[Findings]]:
    """Describes the units of one source network.

    Args:
        source: The network, trained.
        scratch: Where its weights lie.
        data: The rendered split ``annotate``.
        truth: Its pixels' truth.
        pyramid: What makes features of exemplars.
        device: torch device of the network.

    Returns:
        Samples, named ``<network>/<layer>/<unit>``, and what was found of each.
    """
    network = load_source(source, scratch).to(device)
    parts, found = [], []
    for block in tqdm(range(BLOCKS), desc=f"annotate {source.name}"):
        images = slice(block * BLOCK, (block + 1) * BLOCK)
        shown = Regions(truth.maps[images], truth.classes[images])
        pixels = data.images[images]
        final = source.layers[-1]
        layers = source.layers if block < HIDDEN_BLOCKS else (final,)
        for number, (layer, maps) in enumerate(_maps(network, layers, pixels, device)):
            exemplars = block_exemplars(maps, pixels)
            units = np.flatnonzero(exemplars.ids[:, 0] >= 0).tolist()
            findings = _findings(exemplars, shown, units)
            key = (_SEED, source.recipe.seed, block, number)
            parts.append(
                Samples(
                    pyramid.masked_features(exemplars, units).half().numpy(),
                    tuple(
                        write_annotations(one, *key, unit)
                        for unit, one in zip(units, findings, strict=True)
                    ),
                    tuple(f"{source.name}/{layer}/{unit}" for unit in units),
                    tuple(_group(one, final=layer == final) for one in findings),
                )
            )
            found += findings
    return joined(parts), found


def _group(found: Findings, *, final: bool) -> str:
    """Units whose common object no caption names are unseen; hidden and final ones are apart."""
    unseen = any(not OBJECTS[number].named_in_captions for number in found.objects)
    return f"{'final' if final else 'hidden'} {'unseen' if unseen else 'seen'}"


def _findings(exemplars: ArrayExemplars, shown: Regions, units: list[int]) -> list[Findings]:
    look = partial(find, shown, base_rates(shown))
    return [look(exemplars.ids[unit], exemplars.masks(unit)) for unit in units]


def _maps(
    network: torch.nn.Module, layers: tuple[str, ...], pixels: NDArray[np.uint8], device: str
) -> Iterator[tuple[str, BlockMaps]]:
    """Maps of the layers over a block; 1 x 1 for a layer without."""
    gathered: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}
    with LayerTap(network, layers, maps=layers) as tap, torch.inference_mode():
        for start in range(0, len(pixels), _BATCH):
            batch = torch.from_numpy(np.array(pixels[start : start + _BATCH]))
            seen = tap.run(preprocess(batch, SIZE).to(device))
            for layer in layers:
                maps = seen[layer].maps
                assert maps is not None
                gathered[layer].append(maps.cpu())
    for layer in layers:
        yield layer, BlockMaps(torch.cat(gathered.pop(layer)))
