"""Trees of Glyphs in the cache: shared, checked, made again where damaged, pruned."""

from __future__ import annotations

import errno
import gc
import json
import logging
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from PIL import Image

from bench.broden import BrodenMasks, open_broden
from bench.broden import write as broden_write
from bench.errors import UserError
from bench.evidence.inventory import list_entries
from bench.evidence.prune import prune
from bench.glyphs import broden_cache
from bench.glyphs.broden_cache import glyphs_tree
from bench.glyphs.rendered_masks import rendered_masks
from bench.parts.probes import GlyphsBrodenProbe, GlyphsProbe

N = 4


def tree_of(cache, size=N, variant="val", *, with_images=False):
    return glyphs_tree(cache, variant, size, with_images=with_images).folder


def content(masks):
    shown = [masks.image(index) for index in range(len(masks))]
    return [(one.planes.tolist(), one.scalars) for one in shown]


def files(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_tree_is_written_once_and_serves_smaller_sets(tmp_path):
    first = tree_of(tmp_path)
    stamp = (first / "index.csv").stat().st_mtime_ns
    assert tree_of(tmp_path) == first
    assert tree_of(tmp_path, 2) == first
    assert (first / "index.csv").stat().st_mtime_ns == stamp
    larger = tree_of(tmp_path, N + 1)
    assert larger != first
    assert tree_of(tmp_path, 3) == first
    assert tree_of(tmp_path, 3, with_images=True) not in (first, larger)
    assert tree_of(tmp_path, 3, "half") not in (first, larger)
    draw = glyphs_tree(tmp_path, "val", 3, with_images=False, offset=4).folder
    assert draw not in (first, larger)
    assert glyphs_tree(tmp_path, "val", 2, with_images=False, offset=4).folder == draw
    assert tree_of(tmp_path, 3) == first


def test_partial_trees_of_killed_processes_are_deleted(tmp_path):
    first = tree_of(tmp_path, 2)
    partial = first.with_name(f".{first.name}.tmp")
    inner = first.with_name(f"..{first.name}.tmp.abc.tmp")
    first.rename(partial)
    inner.mkdir()
    assert tree_of(tmp_path, 2) == first
    assert not partial.exists()
    assert not inner.exists()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_processes_that_need_the_same_tree_share_it(tmp_path, kind):
    logging.getLogger("filelock").setLevel(logging.WARNING)
    fork = get_context("fork")
    pool = ThreadPoolExecutor(3) if kind == "threads" else ProcessPoolExecutor(2, mp_context=fork)
    with pool:
        found = set(pool.map(tree_of, [tmp_path] * 3))
    assert len(found) == 1
    assert len(BrodenMasks(open_broden(found.pop()))) == N
    assert len(list(tmp_path.glob("trees/??/*"))) == 1


def empty(file):
    file.write_bytes(b"")


def overwrite(file):
    """Put another valid mask of the same size there, with the times of the old one."""
    times = file.stat()
    black = Image.new("RGB", Image.open(file).size)
    black.save(file, format="PNG")
    with file.open("ab") as stream:
        stream.write(b"\0" * max(0, times.st_size - file.stat().st_size))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("damage", [empty, overwrite, Path.unlink])
@pytest.mark.parametrize("name", ["images/val/000001_object.png", "files.json", "index.csv"])
@pytest.mark.parametrize("fresh", [True, False])
def test_a_damaged_tree_is_made_again(tmp_path, caplog, monkeypatch, damage, name, fresh):
    if damage is overwrite and not name.endswith(".png"):
        damage = empty
    probe = GlyphsProbe("val", 2)
    whole = content(probe.masks(tmp_path))
    folder = tree_of(tmp_path, 2)
    before = files(folder)
    if fresh:  # a process that has not seen the tree
        monkeypatch.setattr(broden_cache, "_stamps", {})
    damage(folder / name)
    with caplog.at_level(logging.WARNING):
        assert content(probe.masks(tmp_path)) == whole
    assert f"{folder} are damaged" in caplog.text
    after = files(folder)
    assert {path for path in before if before[path] != after[path]} <= {folder / "manifest.json"}
    caplog.clear()
    assert content(probe.masks(tmp_path)) == whole
    assert not caplog.records


def test_a_damaged_larger_tree_makes_way_for_the_own_one(tmp_path, caplog):
    larger = tree_of(tmp_path, N + 1)
    empty(larger / "images/val/000004_object.png")
    with caplog.at_level(logging.WARNING):
        own = tree_of(tmp_path)
    assert own != larger
    assert not larger.exists()
    (own / "manifest.json").write_text("{")  # a tree without a readable manifest is damaged too
    assert tree_of(tmp_path) == own
    assert json.loads((own / "manifest.json").read_text())["parts"]["n"] == N


def test_a_cache_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        glyphs_tree(tmp_path / "file", "val", 1, with_images=False)
    assert caught.value.where == "runtime.cache"


@pytest.mark.parametrize("with_tree", [False, True])
def test_masks_stay_in_memory_where_the_cache_cannot_be_written(
    tmp_path, monkeypatch, caplog, with_tree
):
    probe = GlyphsProbe("val", 2)
    wanted = content(probe.masks(tmp_path / "other"))
    if with_tree:
        tree_of(tmp_path / "cache", 2)
    before = files(tmp_path / "cache")
    real = Path.mkdir

    def refuse(self, *arguments, **options):
        if tmp_path in self.parents:
            raise OSError(errno.EROFS, "Read-only file system")
        real(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with caplog.at_level(logging.WARNING):
        assert content(probe.masks(tmp_path / "cache")) == wanted
    assert ("stay in memory" in caplog.text) == (not with_tree)
    assert files(tmp_path / "cache") == before
    in_files = GlyphsBrodenProbe("val", 2, root=str(tmp_path / "cache"))
    assert content(in_files.masks(tmp_path / "cache")) == wanted
    assert in_files.image(1).tobytes() == probe.image(1).tobytes()


def test_masks_in_memory_equal_those_in_the_tree(tmp_path):
    tree = BrodenMasks(open_broden(tree_of(tmp_path, 12, "half")))
    kept = rendered_masks("half", 12)
    assert content(kept) == content(tree)
    assert (kept.labels, kept.categories, kept.mask_size, len(kept)) == (
        tree.labels, tree.categories, tree.mask_size, len(tree)
    )  # fmt: skip
    one, other = kept.image(3), tree.image(3)
    assert (one.planes.dtype, one.planes.shape) == (other.planes.dtype, other.planes.shape)
    with pytest.raises(IndexError):
        kept.image(12)
    assert content(rendered_masks("half", 4, offset=8)) == content(tree)[8:]


def test_a_disk_that_fills_up_leaves_nothing_and_works_again_later(tmp_path, monkeypatch, caplog):
    probe = GlyphsProbe("val", 2)
    wanted = content(probe.masks(tmp_path / "other"))
    calls = []
    real = broden_write.write_plane

    def full(file, numbers):
        calls.append(file)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, numbers)

    cache = tmp_path / "cache"
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(broden_write, "write_plane", full)
        assert content(probe.masks(cache)) == wanted
    assert "No space left on device" in caplog.text
    gc.collect()
    assert {path.parent.name for path in files(cache)} <= {"locks"}
    caplog.clear()
    assert content(probe.masks(cache)) == wanted
    assert not caplog.records
    assert len(list(cache.glob("trees/??/*/manifest.json"))) == 1


def test_trees_count_in_the_limit_and_are_pruned_unless_in_use(tmp_path):
    masks = GlyphsProbe("val", 2).masks(tmp_path)
    folder = tree_of(tmp_path, 2)
    gc.collect()
    [entry] = list_entries(tmp_path)
    assert (entry.folder, entry.kind, entry.state) == (folder, "trees", "complete")
    on_disk = sum(path.stat().st_blocks * 512 for path in (folder / "images").rglob("*.png"))
    assert entry.size >= on_disk > 0
    assert prune(tmp_path, to_bytes=0).removed == ()
    assert masks.image(1).scalars
    del masks
    gc.collect()
    assert prune(tmp_path, to_bytes=entry.size).removed == ()
    [removed] = prune(tmp_path, to_bytes=entry.size - 1).removed
    assert removed.key == folder.name
    assert not folder.exists()
