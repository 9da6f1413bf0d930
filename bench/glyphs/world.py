"""Samples of the Glyphs world, as pure functions of (split, variant, index)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.glyphs.captions import captions
from bench.glyphs.clutter import paint_clutter, paint_occluder
from bench.glyphs.objects import Placement, paint_object, place
from bench.glyphs.raster import SIZE, Array, Draw, clamp
from bench.glyphs.scenes import paint_scene
from bench.glyphs.vocabulary import DATA, HALF_OBJECTS, OBJECTS, SCENES

if TYPE_CHECKING:
    from pathlib import Path

SPLITS = {"train": 1_000_003, "val": 2_000_003, "probe": 3_000_017, "annotate": 4_000_037}
"""Seed of each split; a sample's streams are seeded by (split seed, variant, index, stream)."""

VARIANTS = {"val": 0, "half": 1, "scenes_only": 2}
"""Which objects appear: all; a fixed half (``HALF_OBJECTS``); none."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Instance:
    """One object of a sample.

    Attributes:
        object_id: Index into ``OBJECTS``; `colour_id` and `texture_id` likewise.
        mask: Visible pixels, bool [SIZE, SIZE].
    """

    object_id: int
    colour_id: int
    texture_id: int
    mask: Mask

    def concept(self, category: str) -> int:
        """Return the index of its color, object or texture."""
        return {"color": self.colour_id, "object": self.object_id, "texture": self.texture_id}[
            category
        ]


@dataclass(frozen=True)
class Sample:
    """One image with its exact truth.

    Attributes:
        image: RGB, uint8 [SIZE, SIZE, 3].
        scene_id: Index into ``SCENES``.
        scene_mask: Pixels of the bare scene (no object, no clutter), bool [SIZE, SIZE].
        instances: The objects, the main (larger) one first; at most two.
        captions: Captions, the fullest first.
    """

    image: NDArray[np.uint8]
    scene_id: int
    scene_mask: Mask
    instances: tuple[Instance, ...]
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Content of a sample, before it is painted.

    Attributes:
        key: Seed of the sample's streams.
        scene_id: Index into ``SCENES``.
        things: Placements, the main object first.
        occluded: Whether an occluder covers part of the main object.
        contrast: Contrast of the whole image, 1 for full.
        haze: Grey level towards which contrast is reduced.
        grain: Strength of the pixel noise.
    """

    key: tuple[int, int, int]
    scene_id: int
    things: tuple[Placement, ...]
    occluded: bool
    contrast: float
    haze: float
    grain: float


def plan(index: int, variant: str = "val", split: str = "probe") -> Plan:
    """Draw the plan of a sample; as `render`."""
    if variant not in VARIANTS or split not in SPLITS or index < 0:
        message = (
            f"no sample {index} of variant {variant!r}, split {split!r}; "
            f"variants: {', '.join(VARIANTS)}; splits: {', '.join(SPLITS)}"
        )
        raise ValueError(message)
    key = (SPLITS[split], VARIANTS[variant], index)
    draw = Draw(*key, 0)
    scene_id = draw.below(len(SCENES))
    pool = HALF_OBJECTS if variant == "half" else tuple(range(len(OBJECTS)))
    main = place(draw, draw.pick(pool), small=False)
    things = [main]
    if draw.chance(0.35):
        other_id = draw.pick(pool)
        other = place(draw, other_id, small=True)
        for _ in range(8):
            if _apart(main, other) or other_id == main.object_id:
                break
            other = replace(other, x=draw.uniform(12, SIZE - 12), y=draw.uniform(12, SIZE - 12))
        if _apart(main, other) and other_id != main.object_id:
            things.append(other)
    return Plan(
        key=key,
        scene_id=scene_id,
        things=() if variant == "scenes_only" else tuple(things),
        occluded=draw.chance(0.4),
        contrast=draw.uniform(0.6, 0.8) if draw.chance(0.2) else draw.uniform(0.88, 1.0),
        haze=draw.uniform(0.25, 0.75),
        grain=draw.uniform(0.02, 0.12) if draw.chance(0.6) else 0.0,
    )


def _apart(main: Placement, other: Placement) -> bool:
    dx, dy = main.x - other.x, main.y - other.y
    reach = 0.45 * (main.size + other.size)
    return dx * dx + dy * dy > reach * reach


def paint(sketch: Plan) -> Sample:
    """Paint a plan.

    Each part has its own random stream, so that removing one thing from the plan does not change
    other pixels.
    """
    image = paint_scene(sketch.scene_id, Draw(*sketch.key, 1))
    scene_mask, masks = _paint_things(image, sketch)
    image = sketch.haze + (image - sketch.haze) * sketch.contrast
    if sketch.grain > 0:
        speckle = Draw(*sketch.key, 4).array(SIZE, SIZE) - 0.5
        image = image + (speckle * sketch.grain)[..., None]
    pixels = np.floor(clamp(image) * 255 + 0.5).astype(np.uint8)
    instances = _instances(sketch, masks)
    things = [(one.object_id, one.colour_id, one.texture_id) for one in sketch.things]
    written = captions(Draw(*sketch.key, 5), sketch.scene_id, things)
    return Sample(pixels, sketch.scene_id, scene_mask, instances, written)


def masks_of(sketch: Plan) -> tuple[Mask, list[Mask]]:
    """Return the masks of the bare scene and of the things of a plan, without painting the scene.

    They are those of `paint`.
    """
    return _paint_things(np.zeros((SIZE, SIZE, 3)), sketch)


def instances_of(sketch: Plan) -> tuple[Instance, ...]:
    """Return the objects of a plan with their masks, as `masks_of`."""
    return _instances(sketch, masks_of(sketch)[1])


def _instances(sketch: Plan, masks: list[Mask]) -> tuple[Instance, ...]:
    return tuple(
        Instance(thing.object_id, thing.colour_id, thing.texture_id, mask)
        for thing, mask in zip(sketch.things, masks, strict=True)
    )


def _paint_things(image: Array, sketch: Plan) -> tuple[Mask, list[Mask]]:
    """Paint clutter, things and the occluder over a scene, in place; return masks as `masks_of`."""
    covered = paint_clutter(image, Draw(*sketch.key, 2), 4)
    masks: list[Mask] = []
    for thing in reversed(sketch.things):  # the main object comes last, in front
        mask = paint_object(image, thing)
        masks = [earlier & ~mask for earlier in masks]
        masks.append(mask)
    front = np.zeros((SIZE, SIZE), dtype=bool)
    if sketch.occluded and sketch.things:
        main = sketch.things[0]
        front = paint_occluder(image, Draw(*sketch.key, 3), main.x, main.y, main.size)
    masks = [mask & ~front for mask in reversed(masks)]
    return ~np.logical_or.reduce([covered, front, *masks]), masks


def render(index: int, variant: str = "val", split: str = "probe") -> Sample:
    """Render one sample.

    Args:
        index: Number of the sample, from 0.
        variant: ``val`` (all objects and scenes), ``half`` (a fixed half of the objects) or
            ``scenes_only``.
        split: ``train``, ``val`` (reported accuracies), ``probe`` or ``annotate`` (units of
            other networks are described on it).

    Raises:
        ValueError: The variant or the split is unknown, or the index negative.
    """
    return paint(plan(index, variant, split))


@cache
def fingerprint(variant: str = "val") -> str:
    """Return the sha256 of a variant's first 32 probe images and of the vocabulary."""
    digest = hashlib.sha256(variant.encode())
    for index in range(32):
        digest.update(render(index, variant).image.tobytes())
    for name in ("objects", "scenes", "colours", "textures"):
        path: Path = DATA / f"{name}.csv"
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
