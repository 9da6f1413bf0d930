"""Images of the embedded world, rendered on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.parts.checks import check_index, check_not_negative, check_positive

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from baselines.spatial import MaskLabel, Masks
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class GlyphsProbe:
    """Glyphs images from seeds that no training used.

    Attributes:
        variant: "val" (all objects and scenes), "half" (half of the objects never appear) or
            "scenes_only".
        size: Number of images; a smaller set is a prefix of a larger one.
        offset: Number of the first image; sets that do not overlap are independent draws.
    """

    summary: ClassVar[str] = "images of the embedded world, made from seeds"
    square_images: ClassVar[bool] = True
    of_glyphs: ClassVar[bool] = True

    variant: Literal["val", "half", "scenes_only"] = "val"
    size: int = 4000
    offset: int = 0

    def __post_init__(self) -> None:
        check_positive(self.size, "probe.params.size")
        check_not_negative(self.offset, "probe.params.offset")

    def __len__(self) -> int:
        return self.size

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record, without an offset of 0, which older records do not have."""
        return {"variant": self.variant, "size": self.size, **self._offset}

    def fingerprint(self) -> Fingerprint:
        """Return the hash of the variant's first 32 images and of the vocabulary, and the size."""
        from bench.glyphs import world

        return {
            "kind": "glyphs",
            "variant": self.variant,
            "n": self.size,
            **self._offset,
            "sha256": world.fingerprint(self.variant),
        }

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`, 128 x 128.

        Raises:
            IndexError: There is no such image in the set.
        """
        from PIL import Image

        from bench.glyphs import world

        check_index(index, self.size)
        return Image.fromarray(world.render(self.offset + index, self.variant).image)

    def masks(self, cache: Path) -> Masks:
        """Return the exact masks, 64 x 64, from a tree that the first call writes into the cache.

        Where the cache cannot be written to, they are kept in memory.
        """
        from bench.broden import BrodenMasks, open_broden
        from bench.glyphs.broden_cache import glyphs_tree
        from bench.glyphs.rendered_masks import rendered_masks

        tree = glyphs_tree(cache, self.variant, self.size, with_images=False, offset=self.offset)
        if tree is None:
            return rendered_masks(self.variant, self.size, self.offset)
        return BrodenMasks(open_broden(tree.folder, limit=self.size), tree.lease)

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """Return all concepts of the world, whether or not these images show them."""
        from baselines.spatial import MaskLabel
        from bench.glyphs.broden import labels

        return tuple(MaskLabel(label.name, label.category) for label in labels())

    def masks_fingerprint(self) -> Fingerprint:
        """Return the images' fingerprint, since one rendering gives both, with the format."""
        from bench.glyphs.broden import FORMAT

        return {**self.fingerprint(), "kind": "glyphs masks", "format": FORMAT}

    @property
    def _offset(self) -> dict[str, int]:
        return {"offset": self.offset} if self.offset else {}
