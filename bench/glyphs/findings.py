"""Find what a unit's exemplars have in common, from exact masks.

The procedure for one unit with exemplar masks M_k over images with known pixels:

1. A thing (an object with its colour and texture) is *present* in an exemplar if M_k covers at
   least half of its visible pixels, or if it makes up at least a quarter of M_k. A scene is present
   if it makes up at least half of M_k, or if M_k is the whole image. Exemplars with an empty mask
   are ignored.
2. The *excess* of a concept is the share of exemplars in which it is present, minus the share of
   all images that show it, which is expected by chance.
3. A concept with an excess of at least 0.5 is common to the unit's images; in each category only
   the largest counts (ties: the first of the vocabulary). The texture "plain" never counts.
4. If no object is common, up to three objects with an excess of at least 0.25 are frequent; if no
   scene is common either, up to two such scenes. At least three exemplars must show each. (Four or
   more of 15 random images show the same object for one unit in about 200.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.planes import MASK_SIZE, PLANES

if TYPE_CHECKING:
    from bench.glyphs.train.regions import Regions

Rates = dict[str, NDArray[np.float64]]
"""Share of images that show each concept, float64 [classes], by category of ``PLANES``."""

COMMON = 0.5
FREQUENT = 0.25
SHOWN_BY = 3
"""Number of exemplars that must show a frequent object or scene."""
_COVERED, _MAKES_UP, _SCENE_MAKES_UP = 0.5, 0.25, 0.5
_SCENE, _THINGS = 1, (2, 3)
_AT = {plane.category: number for number, plane in enumerate(PLANES)}
_PLAIN = 0


@dataclass(frozen=True)
class Findings:
    """What a unit's exemplars have in common. Numbers are positions in the vocabulary.

    Attributes:
        objects: One common object, or several frequent ones, the most frequent first; or none.
        colour: Common colour of things, or None.
        texture: Common texture of things, or None.
        scene: Common scene, or None.
        scenes: Up to two frequent scenes, if nothing is common and no object is frequent.
    """

    objects: tuple[int, ...] = ()
    colour: int | None = None
    texture: int | None = None
    scene: int | None = None
    scenes: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was found."""
        return self == Findings()


def base_rates(truth: Regions) -> Rates:
    """Return how often concepts appear by chance: the shares of all images that show them."""
    found = {}
    for plane in PLANES:
        shown = np.zeros((len(truth.classes), plane.classes), dtype=bool)
        things = (_SCENE,) if plane.category == "scene" else _THINGS
        for thing in things:
            classes = truth.classes[:, _AT[plane.category], thing]
            shown[np.arange(len(shown)), classes] = True
        found[plane.category] = shown[:, 1:].mean(axis=0)
    return found


def find(
    truth: Regions, chance: Rates, ids: NDArray[np.int64], masks: NDArray[np.bool_]
) -> Findings:
    """Find what one unit's exemplars have in common.

    Args:
        truth: Truth of all images.
        chance: ``base_rates`` of the truth.
        ids: Images of the exemplars [K].
        masks: Where the unit fires in them, [K, S, S].

    Returns:
        The findings; empty if all masks are empty.
    """
    rates = _presence(truth, ids, _at_middle(masks))
    if rates is None:
        return Findings()
    excess = {category: rates[category] - chance[category] for category in rates}
    least = SHOWN_BY / max(1, int(masks.any(axis=(1, 2)).sum()))

    def common(category: str) -> int | None:
        best = int(excess[category].argmax())
        return best if excess[category][best] >= COMMON else None

    def frequent(category: str, most: int) -> tuple[int, ...]:
        order = np.argsort(-excess[category], kind="stable")[:most]
        enough = (excess[category] >= FREQUENT) & (rates[category] >= least - 1e-9)
        return tuple(int(number) for number in order if enough[number])

    one, colour, texture, scene = map(common, ("object", "color", "texture", "scene"))
    texture = None if texture == _PLAIN else texture
    objects = (one,) if one is not None else frequent("object", 3)
    alone = not objects and (colour, texture, scene) == (None, None, None)
    return Findings(objects, colour, texture, scene, frequent("scene", 2) if alone else ())


def _at_middle(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return masks at the pixels of the truth: the middles of its cells."""
    side = masks.shape[-1]
    at = ((np.arange(MASK_SIZE) + 0.5) * side / MASK_SIZE).astype(np.int64)
    return masks[:, at][:, :, at]


def _presence(truth: Regions, ids: NDArray[np.int64], masks: NDArray[np.bool_]) -> Rates | None:
    """Return the share of exemplars that show each concept, by category; None without a mask."""
    maps = truth.maps[ids]
    sizes = masks.sum(axis=(1, 2))
    valid = sizes > 0
    if not valid.any():
        return None
    whole = masks.all(axis=(1, 2))
    rates = {}
    for plane in PLANES:
        shown = np.zeros((len(ids), plane.classes), dtype=bool)
        for thing in (_SCENE,) if plane.category == "scene" else _THINGS:
            area = (maps == thing).sum(axis=(1, 2))
            covered = ((maps == thing) & masks).sum(axis=(1, 2))
            if thing == _SCENE:
                present = whole | (covered >= _SCENE_MAKES_UP * sizes)
            else:
                present = (covered >= _COVERED * area) | (covered >= _MAKES_UP * sizes)
            present &= valid & (area > 0)
            classes = truth.classes[ids, _AT[plane.category], thing]
            shown[np.flatnonzero(present), classes[present]] = True
        rates[plane.category] = shown[valid, 1:].mean(axis=0)
    return rates
