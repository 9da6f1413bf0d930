import json
import logging
import multiprocessing
import time

import numpy as np
import pytest

from bench.errors import UserError
from bench.evidence.store import CHUNK, Store

N = CHUNK + 10
PARTS = {
    "kind": "activations",
    "target": {"arch": "resnet18", "weights": "aa", "transform": {"size": 224}},
    "layer": "layer4",
    "pooling": ["avg", "max"],
    "probe": {"sha256": "bb"},
    "n": N,
    "precision": "float32",
    "extractor": 1,
}
CHANGES = {
    "kind": "image_embeddings",
    "target": {"arch": "resnet18", "weights": "ab", "transform": {"size": 224}},
    "layer": "layer3",
    "pooling": ["avg"],
    "probe": {"sha256": "bc"},
    "n": N - 1,
    "precision": "float16",
    "extractor": 2,
}
TABLE = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
COST = {"pass": "x", "phases": []}


def fill(store, parts=PARTS):
    entry = store.entry(parts)
    for number in entry.missing:
        entry.put(number, TABLE[number * CHUNK : (number + 1) * CHUNK])
    entry.finish({"units": 3}, COST)
    return entry


def test_what_was_stored_comes_back(tmp_path):
    entry = fill(Store(tmp_path))
    again = Store(tmp_path).entry(PARTS)
    assert again.complete
    assert np.array_equal(again.read(), TABLE)
    assert again.meta == {"units": 3}
    assert again.cost == COST
    manifest = json.loads((entry.folder / "manifest.json").read_text())
    assert manifest["parts"] == {**PARTS, "layout": 1}
    assert [chunk["shape"] for chunk in manifest["chunks"]] == [[CHUNK, 3], [10, 3]]


@pytest.mark.parametrize("part", sorted(CHANGES))
def test_each_part_of_the_key_counts(tmp_path, part):
    fill(Store(tmp_path))
    assert not Store(tmp_path).entry({**PARTS, part: CHANGES[part]}).complete


def test_a_change_deep_inside_counts(tmp_path):
    fill(Store(tmp_path))
    deep = {**PARTS, "target": {**PARTS["target"], "transform": {"size": 225}}}
    assert not Store(tmp_path).entry(deep).complete


@pytest.mark.parametrize("position", [0, 200, -1])
def test_a_flipped_byte_is_noticed_and_made_again(tmp_path, caplog, position):
    entry = fill(Store(tmp_path))
    chunk = sorted(entry.folder.glob("*.npy"))[0]
    data = bytearray(chunk.read_bytes())
    data[position] ^= 1
    chunk.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        again = Store(tmp_path).entry(PARTS)
    assert "damaged" in caplog.text
    assert not again.complete
    assert again.missing == [0, 1]
    assert np.array_equal(fill(Store(tmp_path)).read(), TABLE)


@pytest.mark.parametrize("harm", ["rubbish", "other key", "chunk gone"])
def test_a_damaged_manifest_or_a_lost_chunk_is_noticed(tmp_path, caplog, harm):
    entry = fill(Store(tmp_path))
    manifest = entry.folder / "manifest.json"
    if harm == "rubbish":
        manifest.write_text("{")
    elif harm == "other key":
        manifest.write_text(manifest.read_text().replace("layer4", "layer3"))
    else:
        sorted(entry.folder.glob("*.npy"))[1].unlink()
    with caplog.at_level(logging.WARNING):
        assert not Store(tmp_path).entry(PARTS).complete
    assert "damaged" in caplog.text
    assert fill(Store(tmp_path)).complete


def test_an_interrupted_entry_is_not_complete_and_goes_on(tmp_path, caplog):
    entry = Store(tmp_path).entry(PARTS)
    entry.put(0, TABLE[:CHUNK])
    (entry.folder / ".000001.npy.half.tmp").write_bytes(b"half")
    again = Store(tmp_path).entry(PARTS)
    assert not again.complete
    assert again.missing == [1]
    again.put(1, TABLE[CHUNK:])
    # All chunks, but no manifest: the last one is made again, for what is learned with it.
    assert Store(tmp_path).entry(PARTS).missing == [1]
    assert not caplog.records
    assert np.array_equal(fill(Store(tmp_path)).read(), TABLE)


@pytest.mark.parametrize("unknown", [None, "unknown"])
def test_an_unknown_part_means_no_cache(tmp_path, unknown):
    parts = {**PARTS, "target": {**PARTS["target"], "weights": unknown}}
    entry = fill(Store(tmp_path), parts)
    assert np.array_equal(entry.read(), TABLE)
    assert not Store(tmp_path).entry(parts).complete
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_a_folder_stays_in_memory():
    store = Store(None)
    with store.hold(PARTS) as [entry]:
        assert entry.folder is None
    assert np.array_equal(fill(store).read(), TABLE)
    assert not store.entry(PARTS).complete


def test_an_unusable_folder_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError) as caught:
        Store(tmp_path / "file").entry(PARTS)
    assert caught.value.where == "runtime.cache"


def _slow(root, log):
    with Store(root).hold(PARTS) as [entry]:
        if not entry.complete:
            time.sleep(0.3)
            fill(Store(root))
            with log.open("a") as file:
                file.write("made\n")


def test_two_processes_make_an_entry_once(tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_slow, args=(tmp_path / "store", log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
        assert process.exitcode == 0
    assert log.read_text() == "made\n"
