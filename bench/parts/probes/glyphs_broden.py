"""Images of the embedded world, read from a Broden tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.parts.checks import check_index
from bench.parts.probes.broden import BrodenProbe
from bench.parts.probes.glyphs import GlyphsProbe

if TYPE_CHECKING:
    from PIL.Image import Image

    from baselines.spatial import Masks
    from bench.glyphs.broden_cache import CachedTree
    from bench.parts.protocols import Fingerprint


@dataclass(frozen=True)
class GlyphsBrodenProbe(GlyphsProbe):
    """Glyphs as files with masks: the pixels of `glyphs`, in Broden's layout.

    Attributes:
        variant: "val", "half" or "scenes_only", as for `probe=glyphs_val`, `glyphs_half` and so on.
        size: Number of images; a smaller set is a prefix of a larger one.
        offset: Number of the first image.
        root: Folder into which the tree is written on first use; not part of the fingerprint.
    """

    summary: ClassVar[str] = "Glyphs in Broden's layout, images and masks in files"

    root: str = field(kw_only=True)

    def fingerprint(self) -> Fingerprint:
        """Return that of `glyphs` with the version of the tree, without writing the tree."""
        from bench.glyphs.broden import FORMAT

        return {**super().fingerprint(), "kind": "glyphs broden", "format": FORMAT}

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`, 128 x 128.

        Raises:
            IndexError: There is no such image in the set.
            UserError: The tree was damaged since it was checked.
        """
        check_index(index, self.size)
        return self._files.image(index)

    def masks(self, cache: Path) -> Masks:
        """Return the masks, from the tree of the images."""
        return self._files.masks(cache)

    @cached_property
    def _tree(self) -> CachedTree | None:
        from bench.glyphs.broden_cache import glyphs_tree

        return glyphs_tree(
            Path(self.root), self.variant, self.size, with_images=True, offset=self.offset
        )

    @cached_property
    def _files(self) -> BrodenProbe | GlyphsProbe:
        """The images in files; those of `glyphs`, which are equal, where none can be written."""
        if self._tree is None:
            return GlyphsProbe(self.variant, self.size, self.offset)
        return BrodenProbe(str(self._tree.folder), limit=self.size)
