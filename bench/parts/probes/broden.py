"""Images and masks of a Broden tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.paths import require_folder
from bench.errors import UserError
from bench.files import sha256_files
from bench.parts.checks import check_limit
from bench.parts.file_params import FileParams
from bench.parts.probes.image_files import (
    OnError,
    recorded_parameters,
    skipped_notes,
    split_readable,
)
from bench.parts.probes.images import DECODER_VERSION, open_rgb
from bench.parts.probes.validation import require_known_range
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from baselines.spatial import MaskLabel
    from bench.broden import Broden, BrodenMasks
    from bench.parts.protocols import Fingerprint

MASKS_VERSION = 1
"""Incremented when the masks of some tree change."""


@dataclass(frozen=True)
class BrodenProbe(FileParams):
    """The images of a tree in Broden's layout, in the order of its index.

    Attributes:
        path: The tree: the folder of the index.
        categories: Categories whose masks are used; images without any of them are left out. All
            but material if empty.
        index: Name of the index file.
        limit: Maximum number of images; all if null. A smaller set is a prefix of a larger one.
        split: Use only "train" or "val" images; all if null.
        on_error: Treatment of images that cannot be read: "fail" stops the run at the first one;
            "skip" leaves them out, and missing images too. Unreadable masks always raise an error.
    """

    summary: ClassVar[str] = "images with masks in Broden's layout"
    config_key = "probe.params"
    reads = (("path", "Broden tree"),)

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
        """Parameters for the record, without a default `on_error`."""
        return recorded_parameters(self)

    @property
    def tree(self) -> Broden:
        """The opened tree, without the images that are left out."""
        return self._sorted_files[0]

    def skipped(self) -> tuple[str, ...]:
        """Return the paths in `images/` of unreadable images; none unless `on_error` is "skip"."""
        return self._sorted_files[1]

    def notes(self) -> tuple[str, ...]:
        """Return notes on skipped images."""
        return skipped_notes(self.skipped())

    @cached_property
    def _sorted_files(self) -> tuple[Broden, tuple[str, ...]]:
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
        _, left_out = split_readable(names, [tree.file(name) for name in names], self.path)
        bad = frozenset(left_out)
        kept = tuple(row for row in tree.rows if row.image not in bad)
        return replace(tree, rows=kept[: self.limit]), left_out

    def fingerprint(self) -> Fingerprint:
        """Return tables, and names, sizes and contents of the images, for any folder."""
        tree = self.tree
        files = [tree.file(row.image) for row in tree.rows]
        for row, file in zip(tree.rows, files, strict=True):
            if not file.is_file():
                raise UserError(
                    f"the image images/{row.image} is missing",
                    where=f"{tree.index}:{row.line}",
                    hint="unpack the tree again, or remove the row from the index",
                )
        require_known_range(files)
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
        """Return the RGB image at `index`, upright."""
        return open_rgb(self.tree.file(self.tree.rows[index].image))

    def masks(self, cache: Path) -> BrodenMasks:
        """Return the masks of the images; the cache is not used."""
        return self._masks

    def mask_labels(self) -> tuple[MaskLabel, ...]:
        """Return the labels of the selected categories."""
        return tuple(self.tree.concepts.values())

    def masks_fingerprint(self) -> Fingerprint:
        """Return tables, categories, and the contents of all used masks.

        The first call reads every mask; the hashes are remembered.
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
        """Whether all images are square in the index, which `masks` compares with the files."""
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
