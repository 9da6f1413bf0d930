"""Images that are not exemplars: crops of exemplars, and images of concepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.generation.crops import Box, cut_out, find_boxes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.captions import ImageText
    from baselines.generated import ImageGenerator, TargetLayer
    from baselines.spatial import Exemplars, Maps

_KEPT = 1024
"""Concepts whose images stay in memory, as activations and embeddings."""


@dataclass(frozen=True, eq=False)
class ShownImages:
    """M images of one unit, the highest activations first; `baselines.spatial.Exemplars`.

    Each image is the only exemplar of a unit of its own, so that a captioner describes it alone
    and as a whole.

    Attributes:
        table: uint8 [M, S, S, 3].
        sources: Position in the probe set of the image, or of that which it was cut out of, [M].
        boxes: Its part of that image, [M].
        values: Pooled activation of the described unit, float32 [M].
    """

    table: NDArray[np.uint8]
    sources: NDArray[np.int64]
    boxes: tuple[Box, ...]
    values: NDArray[np.float32]

    @property
    def ids(self) -> NDArray[np.int64]:
        """Positions in `table`, int64 [M, 1]."""
        return np.arange(len(self.table))[:, None]

    @property
    def activations(self) -> NDArray[np.float32]:
        """Activations, float32 [M, 1]."""
        return self.values[:, None]

    @property
    def size(self) -> int:
        """Side S of the images."""
        return int(self.table.shape[1])

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return the whole image, bool [1, S, S]."""
        return np.ones((1, self.size, self.size), np.bool_)

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by position in `table`, uint8 [B, S, S, 3]."""
        return self.table[list(ids)]


def exemplar_maps(maps: Maps, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read the maps of units in their exemplars; reads all maps of the layer once.

    Args:
        maps: Maps of the layer.
        ids: Positions of the exemplars, int64 [U, K]; -1 for none.

    Returns:
        float32 [U, K, h, w]; 0 where there is no exemplar.
    """
    found = np.zeros((*ids.shape, *maps.map_size), np.float32)
    start = 0
    for batch in maps.batches():
        unit, place = np.nonzero((ids >= start) & (ids < start + len(batch)))
        found[unit, place] = batch[ids[unit, place] - start, unit].cpu().numpy()
        start += len(batch)
    return found


def shown_images(
    exemplars: Exemplars,
    unit: int,
    maps: NDArray[np.float32],
    layer: TargetLayer,
    *,
    crops: int,
    count: int,
) -> ShownImages:
    """Return the best of a unit's exemplars and their crops, by the unit's activation.

    Args:
        exemplars: Exemplars of the layer, by pooled activation.
        unit: A live unit.
        maps: Its maps in its exemplars, float32 [K, h, w].
        layer: Gives the activations on the crops.
        crops: Maximum number of crops of each exemplar; a layer without maps has none.
        count: Maximum number of images; equal activations: exemplars first.
    """
    import torch

    from baselines.dissection.upsample import upsample

    ids, size = exemplars.ids[unit], exemplars.size
    images = exemplars.images([int(at) for at in ids])
    whole = Box(0, 0, size, size)
    tables, sources, boxes = [images], list(ids), [whole] * len(ids)
    if maps.shape[1:] != (1, 1) and crops:
        enlarged = upsample(torch.from_numpy(maps), (size, size)).numpy()
        for image, source, drawn in zip(images, ids, enlarged, strict=True):
            found = find_boxes(drawn, crops)
            tables.append(cut_out(image, found))
            sources += [source] * len(found)
            boxes += found
    table = np.concatenate(tables)
    values = exemplars.activations[unit]
    if len(table) > len(ids):
        own = layer.activations(table[len(ids) :])[:, unit].numpy()
        values = np.concatenate([values, own])
    best = np.argsort(-values, kind="stable")[:count]
    return ShownImages(
        table[best], np.array(sources)[best], tuple(boxes[at] for at in best), values[best]
    )


class ConceptResponse(NamedTuple):
    """What images of a concept do.

    Attributes:
        activations: Of the layer, float32 [B, U].
        embeddings: Of the encoder, of unit length, float32 [B, D].
    """

    activations: NDArray[np.float32]
    embeddings: Tensor


def concept_responses(
    generator: ImageGenerator,
    layer: TargetLayer,
    encoder: ImageText,
    *,
    count: int,
    size: int,
    seed: int,
) -> Callable[[str], ConceptResponse | None]:
    """Return a function from a concept to what its images do; None for one without images.

    Args:
        generator: Source of the images.
        layer: The layer.
        encoder: The image-text encoder.
        count: Maximum number of images of a concept.
        size: Their side in pixels.
        seed: Seed of the generator.
    """

    @lru_cache(_KEPT)
    def respond(concept: str) -> ConceptResponse | None:
        from torch.nn.functional import normalize

        images = generator.images(concept, count, size=size, seed=seed)
        if not len(images):
            return None
        embedded = normalize(encoder.images(images), dim=1)
        return ConceptResponse(layer.activations(images).numpy(), embedded)

    return respond
