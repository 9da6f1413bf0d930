"""Broden trees of Glyphs in the evidence cache: written once, checked at each use, pruned.

A tree is an entry of the cache, in trees/<first two digits of the key>/<key>/. Beside the tree it
holds a list of its files with their sha256, and a manifest of the key's parts, written last.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.files import is_refusal
from bench.glyphs import world
from bench.glyphs.broden import FORMAT, write_glyphs
from bench.leases import Lease
from bench.locks import LOCKS, acquire
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

KIND = "trees"
MANIFEST = "manifest.json"
FILES = "files.json"

_stamps: dict[Path, list[tuple[int, int, int]]] = {}
"""Sizes and times of all files of the trees whose contents this process has checked."""


@dataclass(frozen=True)
class CachedTree:
    """A tree that was checked.

    Attributes:
        folder: The tree.
        lease: Keeps the tree from being pruned while it is referenced; None in a cache folder that
            cannot be written to.
    """

    folder: Path
    lease: Lease | None


def glyphs_tree(
    cache: Path, variant: str, size: int, *, with_images: bool, offset: int = 0
) -> CachedTree | None:
    """Return the tree of consecutive images of a variant; write it where it is missing or damaged.

    A larger tree may be returned, since its first rows are the same. Processes that need the same
    tree wait for each other.

    Args:
        cache: The cache folder, made if missing.
        variant: One of `world.VARIANTS`.
        size: Number of images.
        with_images: Whether the tree must contain the images.
        offset: Number of the first image.

    Returns:
        A tree of at least `size` images; None where there is none and the cache folder is full or
        cannot be written to.

    Raises:
        UserError: The cache folder cannot be used.
    """
    root = cache.expanduser()
    parts = {
        "kind": KIND,
        "variant": variant,
        "n": size,
        "images": with_images,
        "format": FORMAT,
        "world": world.fingerprint(variant),
        **({"offset": offset} if offset else {}),
    }
    try:
        return _open_or_write(root, parts)
    except (OSError, UserError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        if not is_refusal(cause):
            raise UserError(
                f"the masks of Glyphs cannot be written to {root}: {cause.strerror or cause}",
                where="runtime.cache",
                hint="set runtime.cache to a folder that you may write to",
            ) from error
        for folder in _trees(root, parts):
            if _is_intact(folder):
                return CachedTree(folder, None)
        log.warning(
            "the masks of Glyphs cannot be written to %s (%s): they stay in memory",
            root,
            cause.strerror,
        )
        return None


def _open_or_write(root: Path, parts: dict[str, Any]) -> CachedTree:
    lease = Lease(root)
    own = _folder(root, parts)
    for folder in (*_trees(root, parts), own):
        with _locked(root, folder):
            lease.add(folder.name)  # from now on it is not pruned
        if not _is_intact(folder):
            with _locked(root, folder):
                if not _is_intact(folder):  # another process may have written it meanwhile
                    _delete(folder)
                    if folder != own:
                        continue
                    _write(folder, parts)
        with suppress(OSError):  # the manifest's time is the entry's last use
            os.utime(folder / MANIFEST)
        return CachedTree(folder, lease)
    raise AssertionError("the last folder was written")


@contextmanager
def _locked(root: Path, folder: Path) -> Iterator[None]:
    (root / LOCKS).mkdir(exist_ok=True)
    with ExitStack() as stack:
        acquire(root / LOCKS / f"{folder.name}.lock", stack)
        yield


def _folder(root: Path, parts: dict[str, Any]) -> Path:
    key = sha256_json(parts)
    return root / KIND / key[:2] / key


def _trees(root: Path, parts: dict[str, Any]) -> list[Path]:
    """Return the folders of trees with at least as many images, the smallest first."""
    found: list[tuple[int, Path]] = []
    for manifest in root.glob(f"{KIND}/??/*/{MANIFEST}"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            own = json.loads(manifest.read_bytes())["parts"]
            fits = {**own, "n": parts["n"]} == parts and own["n"] >= parts["n"]
            if fits and manifest.parent == _folder(root, own):  # not a partial tree
                found.append((own["n"], manifest.parent))
    return [folder for _, folder in sorted(found)]


def _is_intact(folder: Path) -> bool:
    """Compare all files with the list: sizes and times each time, contents when these changed."""
    try:
        listing = (folder / FILES).read_bytes()
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if hashlib.sha256(listing).hexdigest() != manifest["meta"]["files"]:
            return False
        files = {f"{folder}/{name}": digest for name, digest in json.loads(listing).items()}
        states = map(os.stat, files)
        stamps = [(state.st_size, state.st_mtime_ns, state.st_ctime_ns) for state in states]
        if _stamps.get(folder) != stamps:
            if any(_sha256(file) != digest for file, digest in files.items()):
                return False
            _stamps[folder] = stamps
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _sha256(file: str | Path) -> str:
    with open(file, "rb") as stream:  # noqa: PTH123  (many files: a Path each takes longer)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bytes_on_disk(file: Path) -> int:
    """Return the blocks that a file takes: a mask has some hundred bytes, a block 4,096."""
    state = file.stat()
    return int(getattr(state, "st_blocks", 0)) * 512 or state.st_size


def _delete(folder: Path) -> None:
    """Delete a damaged tree, and partial ones of killed processes, with the lock held."""
    for partial in folder.parent.glob(f".*{folder.name}*.tmp"):
        shutil.rmtree(partial, ignore_errors=True)
    if folder.exists():
        log.warning("the masks in %s are damaged: they are deleted and made again", folder)
        shutil.rmtree(folder)


def _write(folder: Path, parts: dict[str, Any]) -> None:
    partial = folder.with_name(f".{folder.name}.tmp")
    try:
        write_glyphs(
            partial,
            parts["variant"],
            parts["n"],
            with_images=parts["images"],
            offset=parts.get("offset", 0),
        )
        files = sorted(path for path in partial.rglob("*") if path.is_file())
        listing = json.dumps({f.relative_to(partial).as_posix(): _sha256(f) for f in files})
        (partial / FILES).write_text(listing, encoding="utf-8")
        manifest = {
            "key": folder.name,
            "parts": parts,
            "chunks": [],
            "meta": {
                "files": hashlib.sha256(listing.encode()).hexdigest(),
                "bytes_below": sum(_bytes_on_disk(f) for f in files if f.parent != partial),
            },
            "cost": {},
        }
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
