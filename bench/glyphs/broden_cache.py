"""Broden trees of Glyphs, written once to the cache."""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from bench.broden.layout import INDEX
from bench.errors import UserError
from bench.files import is_refusal
from bench.glyphs import world
from bench.glyphs.broden import FORMAT, write_glyphs

log = logging.getLogger(__name__)

FOLDER = "trees"
"""Sub-folder of the cache, which the store of evidence ignores."""


def glyphs_tree(folder: Path, variant: str, size: int, *, with_images: bool) -> Path:
    """Find or write the tree of a variant's first images.

    Its name contains everything that decides its content: the world's fingerprint, the format of
    the masks, the number of images. A larger tree may be returned, since its first rows are the
    same. Processes that need the same tree wait for each other.

    Args:
        folder: The cache folder, created if missing.
        variant: One of `world.VARIANTS`.
        size: Number of images.
        with_images: Whether the tree must contain the images.

    Returns:
        A tree of at least `size` images.

    Raises:
        UserError: There is no such tree, and the cache cannot be used.
    """
    kind = "full" if with_images else "masks"
    stem = f"glyphs-{variant}-{kind}-v{FORMAT}-{world.fingerprint(variant)[:16]}-"
    root = folder.expanduser() / FOLDER
    found = _smallest(root, stem, size)
    if found:
        return found
    try:
        root.mkdir(parents=True, exist_ok=True)
        # One lock for all sizes: a larger tree makes a smaller one unnecessary.
        lock = FileLock(root / f"{stem}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting for another process that writes the same masks")
            lock.acquire()
    except OSError as error:
        if not is_refusal(error):
            raise UserError(
                f"cannot write the masks of Glyphs to {root}: {error.strerror}",
                where="runtime.cache",
                hint="set runtime.cache to a folder that can be written",
            ) from error
        log.warning("masks of Glyphs are not cached: %s cannot be written", root)
        return glyphs_tree(_own_folder(), variant, size, with_images=with_images)
    try:
        found = _smallest(root, stem, size)
        if found:
            return found
        for partial in root.glob(f".{stem}*.tmp"):  # of killed processes
            shutil.rmtree(partial, ignore_errors=True)
        tree = root / f"{stem}{size}"
        write_glyphs(tree, variant, size, with_images=with_images)
        return tree
    finally:
        lock.release()


@cache
def _own_folder() -> Path:
    """Create a folder that is removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="dissectbench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _smallest(root: Path, stem: str, size: int) -> Path | None:
    """Return the smallest complete dataset of at least `size` images."""
    found = []
    for index in root.glob(f"{stem}*/{INDEX}"):
        count = index.parent.name.removeprefix(stem)
        if count.isdigit() and int(count) >= size:
            found.append((int(count), index.parent))
    return min(found)[1] if found else None
