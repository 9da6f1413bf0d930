"""Images of the embedded world, read from a Broden tree."""

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
    """Glyphs as files with masks: the pixels of `glyphs`, in Broden's layout.

    Attributes:
        root: Folder into which the tree is written on first use; not part of the fingerprint.
        variant: "val", "half" or "scenes_only", as for `probe=glyphs_val`, `glyphs_half` and so on.
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
        """Parameters for the record, without the folder."""
        return {"variant": self.variant, "size": self.size}

    def fingerprint(self) -> Fingerprint:
        """Return that of `glyphs` with the version of the tree, without writing the tree."""
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
        """Return the RGB image at `index`, 128 x 128.

        Raises:
            IndexError: There is no such image in the set.
            UserError: The tree cannot be written, or was damaged.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"image {index} of a probe set of {self.size}")
        return self._files.image(index)

    def masks(self, cache: Path) -> BrodenMasks:
        """Return the masks, from the tree of the images.

        Raises:
            UserError: The tree cannot be written.
        """
        return self._files.masks(cache)

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """Return those of `glyphs`."""
        from bench.parts.probes.glyphs import GlyphsProbe

        return GlyphsProbe(self.variant, self.size).mask_labels()

    def masks_fingerprint(self) -> Fingerprint:
        """Return that of `glyphs`, which has the same masks."""
        from bench.parts.probes.glyphs import GlyphsProbe

        return GlyphsProbe(self.variant, self.size).masks_fingerprint()

    @cached_property
    def _files(self) -> BrodenProbe:
        from bench.glyphs.broden_cache import glyphs_tree

        tree = glyphs_tree(Path(self.root), self.variant, self.size, with_images=True)
        return BrodenProbe(str(tree), limit=self.size)
