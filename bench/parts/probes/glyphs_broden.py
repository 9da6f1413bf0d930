"""Images of the embedded world, read from a Broden tree of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.parts.probes.broden import BrodenProbe
from bench.parts.probes.sizes import check_size

if TYPE_CHECKING:
    from PIL.Image import Image

    from baselines.spatial import MaskLabel
    from bench.broden import BrodenMasks
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class GlyphsBrodenProbe:
    """Glyphs as files with masks: the same pixels as `glyphs`, by the road that Broden takes.

    Attributes:
        root: Folder in which the tree is made when it is first needed; decides nothing.
        variant: As for `glyphs`.
        size: Number of images; a smaller set is a prefix of a larger one.
    """

    summary: ClassVar[str] = "Glyphs in Broden's layout, images and masks in files"
    square_images: ClassVar[bool] = True
    of_glyphs: ClassVar[bool] = True

    root: str
    variant: Literal["val", "half", "scenes_only"] = "val"
    size: int = 4000

    def __post_init__(self) -> None:
        check_size(self.size)

    def __len__(self) -> int:
        return self.size

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: not the place."""
        return {"variant": self.variant, "size": self.size}

    def fingerprint(self) -> Fingerprint:
        """As of `glyphs`, with the version of the tree; no tree is made for it."""
        from bench.glyphs import world
        from bench.glyphs.broden import FORMAT

        return {
            "kind": "glyphs broden",
            "variant": self.variant,
            "n": self.size,
            "sha256": world.fingerprint(self.variant),
            "format": FORMAT,
        }

    def image(self, index: int) -> Image:
        """The image at `index`, RGB, 128 x 128.

        Raises:
            IndexError: There is no such image in the set.
            UserError: The tree cannot be made, or was damaged since.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"image {index} of a probe set of {self.size}")
        return self._files.image(index)

    def masks(self, cache: Path) -> BrodenMasks:
        """The masks, from the same tree as the images; nothing else is kept in the cache.

        Raises:
            UserError: The tree cannot be made.
        """
        return self._files.masks(cache)

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """As of `glyphs`."""
        from bench.parts.probes.glyphs import GlyphsProbe

        return GlyphsProbe(self.variant, self.size).mask_labels()

    def masks_fingerprint(self) -> Fingerprint:
        """As of `glyphs`: the same masks."""
        from bench.parts.probes.glyphs import GlyphsProbe

        return GlyphsProbe(self.variant, self.size).masks_fingerprint()

    @cached_property
    def _files(self) -> BrodenProbe:
        from bench.glyphs.broden_cache import glyphs_tree

        tree = glyphs_tree(Path(self.root), self.variant, self.size, with_images=True)
        return BrodenProbe(str(tree), limit=self.size)
