"""Describe the units of the source networks from exact masks.

Hidden layers are described on blocks of images, and final layers, which have fewer units, on many
draws of images: every block or draw gives a unit another set of exemplars, and so another sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from baselines.exemplars import mask_bits, rank
from baselines.spatial import ExemplarRule
from bench.glyphs.annotations import write_annotations
from bench.glyphs.encoder import preprocess
from bench.glyphs.findings import Findings, Rates, base_rates, find
from bench.glyphs.milan import IMAGE_SIZE
from bench.glyphs.raster import SIZE
from bench.glyphs.train.sources import Source, load_source
from bench.glyphs.vocabulary import OBJECTS
from bench.milan.annotated import ArrayExemplars, unpack_masks
from bench.milan.samples import Samples, concatenate
from bench.networks.hooks import LayerHooks
from bench.networks.layout import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from baselines.captioning.pyramid import Pyramid
    from bench.glyphs.train.regions import Regions

IMAGES = 12_000
"""Number of images of the split ``annotate``."""
BLOCK, BLOCKS = 2_000, 2
"""Images of a block, and number of blocks for hidden layers."""
DRAW, DRAWS = 4_000, 24
"""Images of a draw (the size of the default probe set), and number of draws for final layers."""
WITHOUT_FINDING = 5
"""Keep one in so many units without findings: "no clear pattern" is easy to learn."""
RULE = ExemplarRule()
_SEED = 51
_BATCH = 100


@dataclass(frozen=True)
class BlockMaps:
    """Maps of one layer over a block (`baselines.spatial.Maps`), float32 [N, U, h, w]."""

    maps: torch.Tensor

    @property
    def n_images(self) -> int:
        """Number of images."""
        return len(self.maps)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.maps.shape[1])

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the maps."""
        return int(self.maps.shape[2]), int(self.maps.shape[3])

    def batches(self) -> Iterator[torch.Tensor]:
        """Go through all images once."""
        for start in range(0, self.n_images, 256):
            yield self.maps[start : start + 256]


def block_exemplars(maps: BlockMaps, pixels: NDArray[np.uint8]) -> ArrayExemplars:
    """Return a layer's exemplars within a block, at the decoder's resolution.

    Args:
        maps: Maps of the layer over the block.
        pixels: Images of the block, uint8 [N, SIZE, SIZE, 3].
    """
    chosen = rank(maps, maps.maps.mean(dim=(2, 3)), RULE)
    masks_of = partial(unpack_masks, mask_bits(chosen, IMAGE_SIZE), IMAGE_SIZE)
    small = partial(_small, pixels)
    return ArrayExemplars(chosen.ids, chosen.activations, IMAGE_SIZE, masks_of, small)


@dataclass(frozen=True)
class AnnotationImages:
    """Images for describing units, with their truth and features.

    Attributes:
        pixels: Images, uint8 [N, SIZE, SIZE, 3].
        truth: Truth of their pixels.
        chance: Base rates of the truth.
        whole: Features of the whole images, float16 [N, F].
    """

    pixels: NDArray[np.uint8]
    truth: Regions
    chance: Rates
    whole: NDArray[np.float16]


def prepare_images(pixels: NDArray[np.uint8], truth: Regions, pyramid: Pyramid) -> AnnotationImages:
    """Compute the features of whole images, uint8 [N, SIZE, SIZE, 3], which final layers use."""
    alone = ArrayExemplars(
        np.arange(len(pixels))[:, None],
        np.zeros((len(pixels), 1), dtype=np.float32),
        IMAGE_SIZE,
        lambda _: np.ones((1, IMAGE_SIZE, IMAGE_SIZE), dtype=bool),
        partial(_small, pixels),
    )
    whole = pyramid.masked_features(alone, range(len(pixels)), progress=True)
    return AnnotationImages(pixels, truth, base_rates(truth), whole[:, 0].half().numpy())


def annotate(
    source: Source, scratch: Path, images: AnnotationImages, pyramid: Pyramid, device: str = "cpu"
) -> Samples:
    """Describe the units of one source network, named ``<network>/<layer>/<unit>``.

    Args:
        source: The trained network.
        scratch: Folder of its weights.
        images: Images for describing units.
        pyramid: Network that computes features of exemplars.
        device: torch device of the network.
    """
    network = load_source(source, scratch).to(device)
    *hidden, final = source.layers
    parts, outputs = [], []
    for block in tqdm(range(-(-len(images.pixels) // BLOCK)), desc=f"annotate {source.name}"):
        rows = np.arange(block * BLOCK, min((block + 1) * BLOCK, len(images.pixels)))
        layers = source.layers if block < BLOCKS else (final,)
        for number, (layer, maps) in enumerate(_maps(network, layers, images.pixels[rows], device)):
            if layer == final:
                outputs.append(maps.maps)
                continue
            exemplars = block_exemplars(maps, images.pixels[rows])
            units, found = _find_units(exemplars, rows, images)
            features = pyramid.masked_features(exemplars, units).half().numpy()
            key = (_SEED, source.recipe.seed, block, number, 0)
            parts.append(_samples(features, units, found, key, f"{source.name}/{layer}", "hidden"))
    output = torch.cat(outputs)
    for draw in tqdm(range(DRAWS), desc=f"draws of {source.name}"):
        rng = np.random.default_rng((_SEED, source.recipe.seed, draw))
        rows = np.sort(rng.permutation(len(output))[:DRAW])
        exemplars = block_exemplars(BlockMaps(output[rows]), images.pixels)
        units, found = _find_units(exemplars, rows, images)
        features = images.whole[rows[exemplars.ids[units]]]
        key = (_SEED, source.recipe.seed, draw, len(hidden), 1)
        parts.append(_samples(features, units, found, key, f"{source.name}/{final}", "final"))
    return concatenate(parts)


def _find_units(
    exemplars: ArrayExemplars, rows: NDArray[np.int64], images: AnnotationImages
) -> tuple[list[int], list[Findings]]:
    """Return the units to describe, and the findings of each."""
    units, findings = [], []
    for unit in np.flatnonzero(exemplars.ids[:, 0] >= 0).tolist():
        ids = rows[exemplars.ids[unit]]
        found = find(images.truth, images.chance, ids, exemplars.masks(unit))
        if not found.empty or unit % WITHOUT_FINDING == 0:
            units.append(unit)
            findings.append(found)
    return units, findings


def _samples(
    features: NDArray[np.float16], units: list[int], findings: list[Findings],
    key: tuple[int, ...], place: str, kind: str,
) -> Samples:  # fmt: skip
    each = zip(units, findings, strict=True)
    return Samples(
        features,
        tuple(write_annotations(found, *key, unit) for unit, found in each),
        tuple(f"{place}/{unit}" for unit in units),
        tuple(_group(found, kind) for found in findings),
    )


def _small(pixels: NDArray[np.uint8], ids: Sequence[int]) -> NDArray[np.uint8]:
    """Resize images to the decoder's resolution."""
    side = (IMAGE_SIZE, IMAGE_SIZE)
    shrunk = (Image.fromarray(pixels[i]).resize(side, Image.Resampling.BILINEAR) for i in ids)
    return np.stack([np.asarray(image) for image in shrunk])


def _group(found: Findings, kind: str) -> str:
    """Return the group of a unit: hidden or final layer, object named in captions or not."""
    unseen = any(not OBJECTS[number].named_in_captions for number in found.objects)
    return f"{kind} {'unseen' if unseen else 'seen'}"


def _maps(
    network: torch.nn.Module, layers: tuple[str, ...], pixels: NDArray[np.uint8], device: str
) -> Iterator[tuple[str, BlockMaps]]:
    """Yield maps of the layers over a block; 1 x 1 for a layer without maps."""
    gathered: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}
    with (
        LayerHooks(network, dict.fromkeys(layers, PLAIN), maps=layers) as tap,
        torch.inference_mode(),
    ):
        for start in range(0, len(pixels), _BATCH):
            batch = torch.from_numpy(np.array(pixels[start : start + _BATCH]))
            seen = tap.run(preprocess(batch, SIZE).to(device))
            for layer in layers:
                maps = seen[layer].maps
                assert maps is not None
                gathered[layer].append(maps.cpu())
    for layer in layers:
        yield layer, BlockMaps(torch.cat(gathered.pop(layer)))
