"""Broden trees of Glyphs that are made once and kept."""

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
"""Where in the cache the trees lie; the store of evidence takes none of them for its own."""


def glyphs_tree(folder: Path, variant: str, size: int, *, with_images: bool) -> Path:
    """Find or make the tree of a variant's first images.

    Its name says what decides its content: the world's fingerprint, the format of the masks, the
    number of images. A larger tree serves as well, since its first rows are the same; whoever asks
    takes as many as are wanted. Two processes that want the same tree wait for each other.

    Args:
        folder: The cache folder; made where it is missing.
        variant: One of `world.VARIANTS`.
        size: Number of images.
        with_images: Whether the images are to be there, or masks are enough.

    Returns:
        A tree of at least `size` images.

    Raises:
        UserError: There is no such tree, and the cache folder is none.
    """
    kind = "full" if with_images else "masks"
    stem = f"glyphs-{variant}-{kind}-v{FORMAT}-{world.fingerprint(variant)[:16]}-"
    root = folder.expanduser() / FOLDER
    found = _smallest(root, stem, size)
    if found:
        return found
    try:
        root.mkdir(parents=True, exist_ok=True)
        # One lock for all sizes: who waits for a larger tree need not make a smaller one.
        lock = FileLock(root / f"{stem}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting for another process that makes the same masks")
            lock.acquire()
    except OSError as error:
        if not is_refusal(error):
            raise UserError(
                f"the masks of Glyphs cannot be kept in {root}: {error.strerror}",
                where="runtime.cache",
                hint="set runtime.cache to a folder that you may write to",
            ) from error
        log.warning("the masks of Glyphs are made for this process alone: %s refuses them", root)
        return glyphs_tree(_own_folder(), variant, size, with_images=with_images)
    try:
        found = _smallest(root, stem, size)
        if found:
            return found
        for torn in root.glob(f".{stem}*.tmp"):  # of a process that was killed
            shutil.rmtree(torn, ignore_errors=True)
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
