"""The images of a Broden tree, with their masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import require_folder
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.files import sha256_files
from bench.parts.probes.image_files import (
    OnError,
    skipping_notes,
    told_parameters,
    without_unreadable,
)
from bench.parts.probes.images import DECODER_VERSION, open_rgb
from bench.parts.probes.readable import require_known_levels
from bench.parts.probes.sizes import check_limit
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from baselines.spatial import MaskLabel
    from bench.broden import Broden, BrodenMasks
    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint

MASKS_VERSION = 1
"""Raised when the masks of some tree come out otherwise."""


@dataclass(frozen=True)
class BrodenProbe:
    """The images of a tree in Broden's layout, in the order of its index.

    Attributes:
        path: The tree: the folder that holds the index.
        categories: Those whose masks are used; images that none of them annotates are left out.
            All but material where empty.
        index: Name of the index file.
        limit: Take this many images at most; all where null. Fewer are a prefix of more.
        split: Take only "train" or "val" images; all where null.
        on_error: As of `ImageFiles`; images that are missing are left out too.
            Masks that cannot be read are faults in any case.
    """

    summary: ClassVar[str] = "images with masks in Broden's layout"

    path: str
    categories: tuple[str, ...] = ()
    index: str = "index.csv"
    limit: int | None = None
    split: str | None = None
    on_error: OnError = "fail"

    def __post_init__(self) -> None:
        check_limit(self.limit)

    def __len__(self) -> int:
        return len(self.tree)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: all, but `on_error` only where it is not the default."""
        return told_parameters(self)

    @property
    def tree(self) -> Broden:
        """The opened tree, without the images that are left out.

        Raises:
            UserError: It is missing or damaged, or the parameters fit nothing in it.
        """
        return self._sorted_out[0]

    def skipped(self) -> tuple[str, ...]:
        """Paths in `images/` of those that cannot be read; none unless `on_error` asks.

        Raises:
            UserError: As `tree`.
        """
        return self._sorted_out[1]

    def notes(self) -> tuple[str, ...]:
        """What a reader of the record should know of the set."""
        return skipping_notes(self.skipped())

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The tree, where there is none."""
        return unmet_path(self.path, "Broden tree", "probe.params.path")

    @cached_property
    def _sorted_out(self) -> tuple[Broden, tuple[str, ...]]:
        from bench.broden import open_broden

        skip = self.on_error == "skip"
        tree = open_broden(
            require_folder(self.path, "probe.params.path"),
            self.categories,
            index=self.index,
            split=self.split,
            limit=None if skip else self.limit,
        )
        if not skip:
            return tree, ()
        names = tree.image_names
        _, left_out = without_unreadable(names, [tree.file(name) for name in names], self.path)
        bad = frozenset(left_out)
        kept = tuple(row for row in tree.rows if row.image not in bad)
        return replace(tree, rows=kept[: self.limit]), left_out

    def fingerprint(self) -> Fingerprint:
        """Tables, and names, sizes and contents of the images; not where the tree lies.

        Raises:
            UserError: An image of the index is missing.
        """
        tree = self.tree
        files = [tree.file(row.image) for row in tree.rows]
        for row, file in zip(tree.rows, files, strict=True):
            if not file.is_file():
                raise UserError(
                    f"the image images/{row.image} is missing",
                    where=f"{tree.index}:{row.line}",
                    hint="unpack the tree again, or take the row out of the index",
                )
        require_known_levels(files)
        contents = sha256_files(files)
        listing = [
            [name, file.stat().st_size, content]
            for name, file, content in zip(tree.image_names, files, contents, strict=True)
        ]
        return {
            "kind": "broden",
            "n": len(files),
            "sha256": sha256_json(listing),
            "tables": self._tables,
            "decoder": DECODER_VERSION,
        }

    def image(self, index: int) -> Image:
        """The image at `index`, RGB, upright.

        Raises:
            UserError: The file is no readable image.
        """
        return open_rgb(self.tree.file(self.tree.rows[index].image))

    def masks(self, cache: Path) -> BrodenMasks:
        """The masks of the images; nothing is kept in the cache.

        Raises:
            UserError: They are not all of one size, or not of their images' shape.
        """
        return self._masks

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """The labels of the selected categories."""
        return tuple(self.tree.concepts.values())

    def masks_fingerprint(self) -> Fingerprint:
        """Tables, categories, and the contents of all masks in use.

        Every mask is read the first time; its hash is remembered.

        Raises:
            UserError: A mask is missing, or the masks are not all of one size, or not of their
                images' shape.
        """
        masks = self._masks
        found = list(masks.files())
        files = [self.tree.file(name) for _, name in found]
        for (line, name), file in zip(found, files, strict=True):
            if not file.is_file():
                raise masks.fault(line, "", name, "is missing")
        listing = [
            [line, name, content]
            for (line, name), content in zip(found, sha256_files(files), strict=True)
        ]
        return {
            "kind": "broden masks",
            "n": len(self.tree),
            "categories": list(masks.categories),
            "tables": self._tables,
            "sha256": sha256_json(listing),
            "version": MASKS_VERSION,
        }

    @property
    def square_images(self) -> bool:
        """Whether all images are square, by the index, which `masks` holds against the files."""
        return all(row.image_size[0] == row.image_size[1] for row in self.tree.rows)

    @cached_property
    def _masks(self) -> BrodenMasks:
        from bench.broden import BrodenMasks
        from bench.broden.shapes import check_shapes

        masks = BrodenMasks(self.tree)
        check_shapes(self.tree)
        return masks

    @property
    def _tables(self) -> str:
        return sha256_json(sha256_files(self.tree.tables))
