"""The size limit: what was not used for longest goes first, whole, and nothing else goes."""

from __future__ import annotations

import gc
import logging
import time

import numpy as np
import pytest

from bench.evidence.inventory import list_entries
from bench.evidence.prune import GB, keep_within, prune
from bench.evidence.store import CHUNK, Store


def names(found):
    return [info.manifest["parts"]["target"]["weights"] for info in found]


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def four(root, make):
    """Entries a, b, c, d of 10, 20, 30 and 40 kB and a little; b was used last, then d, a, c."""
    for name, kilobytes, age in (("a", 10, 300), ("b", 20, 100), ("c", 30, 400), ("d", 40, 200)):
        make(name, kilobytes, age)
    gc.collect()
    return root


def test_the_least_recently_used_goes_first_until_the_limit_holds(four):
    assert names(list_entries(four)) == ["c", "a", "d", "b"]
    pruned = prune(four, to_bytes=65_000)
    assert names(pruned.removed) == ["c", "a"]
    left = list_entries(four)
    assert names(left) == ["d", "b"]
    assert pruned.left == sum(info.size for info in left) <= 65_000
    assert 40_000 < pruned.freed < 44_000
    assert prune(four, to_bytes=65_000).removed == ()


def test_opening_an_entry_counts_as_use(four):
    [c] = [info for info in list_entries(four) if names([info]) == ["c"]]
    before = time.time()
    assert (
        Store(four).entry({k: v for k, v in c.manifest["parts"].items() if k != "layout"}).complete
    )
    assert names(list_entries(four)) == ["a", "d", "b", "c"]
    assert list_entries(four)[-1].used >= before - 1


def test_looking_at_the_folder_is_no_use(four):
    before = [(info.key, info.used) for info in list_entries(four)]
    assert [info.state for info in list_entries(four)] == ["complete"] * 4
    assert [(info.key, info.used) for info in list_entries(four)] == before


def test_a_dry_run_deletes_nothing(four):
    files = sorted(four.rglob("*"))
    pruned = prune(four, to_bytes=65_000, dry_run=True)
    assert names(pruned.removed) == ["c", "a"]
    assert sorted(four.rglob("*")) == files


def test_old_entries_and_all_of_them(four):
    assert names(prune(four, older_than_s=250).removed) == ["c", "a"]
    assert names(prune(four, to_bytes=0).removed) == ["d", "b"]
    assert list_entries(four) == []
    assert sorted(file.name for file in (four / "locks").iterdir()) == ["prune.lock"]
    assert not list((four / ".trash").iterdir())


def test_what_the_own_store_has_open_stays(four):
    c = list_entries(four)[0]
    parts = {k: v for k, v in c.manifest["parts"].items() if k != "layout"}
    store = Store(four)
    with store.hold(parts) as [entry]:
        pass
    keep_within(store, 1e-9)
    assert names(list_entries(four)) == ["c"]
    del store
    gc.collect()
    assert np.array_equal(entry.read(), np.zeros((5, 1500)))  # an open entry is enough
    assert prune(four, to_bytes=0).in_use
    del entry
    gc.collect()
    assert names(prune(four, to_bytes=0).removed) == ["c"]


def test_after_a_job_the_limit_holds_and_the_log_says_so(four, caplog):
    with caplog.at_level(logging.INFO):
        keep_within(Store(four), 65_000 / GB)
    assert names(list_entries(four)) == ["d", "b"]
    assert "deleted the 2 least recently used entries" in caplog.text


@pytest.mark.parametrize("limit", [0, 1])
def test_no_limit_and_a_high_one_delete_nothing(four, limit):
    keep_within(Store(four), limit)
    assert len(list_entries(four)) == 4
    keep_within(Store(None), limit)


def test_begun_and_damaged_entries_count_and_go_in_their_turn(root, make):
    make("a", 10)
    table = np.zeros((CHUNK, 3), dtype=np.float32)
    begun = Store(root).entry({"kind": "activations", "target": {}, "n": CHUNK + 1})
    begun.put(0, table)
    damaged = make("b", 10).folder
    (damaged / "manifest.json").write_text("{")
    gc.collect()
    assert [info.state for info in list_entries(root)] == ["complete", "begun", "damaged"]
    assert prune(root, to_bytes=25_000).left < 25_000
    assert [info.state for info in list_entries(root)] == ["begun", "damaged"]
    prune(root, to_bytes=0)
    assert list_entries(root) == []


def test_only_entries_are_deleted(root, make):
    make("a")
    strangers = ["notes.txt", "pictures/ab/picture.png", "activations/zz/readme", "x/ab/abc/y"]
    for name in strangers:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("mine")
    gc.collect()
    assert len(prune(root, to_bytes=0).removed) == 1
    assert all((root / name).read_text() == "mine" for name in strangers)


def test_what_a_killed_pruning_left_is_cleared(root, make):
    make("a")
    left = root / ".trash" / f"{'0' * 64}.half"
    left.mkdir(parents=True)
    (left / "000000.npy").write_bytes(b"half")
    assert len(list_entries(root)) == 1
    prune(root, to_bytes=GB)
    assert not left.exists()
    assert len(list_entries(root)) == 1


def test_an_entry_that_was_pruned_is_made_again(root, make):
    key = make("a").key
    gc.collect()
    prune(root, to_bytes=0)
    again = make("a")
    assert again.key == key
    assert again.complete
    assert len(list_entries(root)) == 1
