"""A cache folder that refuses: what it holds is used, what is new stays in memory."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bench.errors import UserError
from bench.evidence import memory
from bench.evidence.prune import keep_within
from bench.evidence.store import CHUNK, Store

ROOT = Path(__file__).resolve().parents[3]
N = CHUNK + 10
PARTS = {"kind": "activations", "target": {"weights": "aa"}, "layer": "layer4", "n": N}
NEW = {**PARTS, "layer": "layer3"}
TABLE = np.arange(N * 3, dtype=np.float32).reshape(N, 3)


def fill(entry):
    for number in entry.missing:
        entry.put(number, TABLE[number * CHUNK : (number + 1) * CHUNK])
    entry.finish({"units": 3}, {"phases": []})


def files(root):
    return sorted(path.relative_to(root) for path in root.rglob("*"))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_refuses(tmp_path, refuse, caplog, number, there):
    root = tmp_path / "store"
    if there:
        with Store(root).hold(PARTS) as [entry]:
            fill(entry)
        del entry
    before = files(root)
    refuse(root, number)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):  # two stores of one process: the second finds what the first made
            store = Store(root)
            with store.hold(PARTS, NEW) as [old, new]:
                if not (there or old.complete):
                    fill(old)
                if not new.complete:
                    fill(new)
            assert store.read_only
            assert np.array_equal(old.read(), TABLE)
            assert np.array_equal(new.read(axis=0), TABLE)
            keep_within(store, 1e-9)
        with Store(root).hold(NEW) as [again]:
            assert again.complete
            assert again.meta == {"units": 3}
    assert files(root) == before
    assert caplog.text.count("cannot be written to") == 1
    assert os.strerror(number) in caplog.text


def test_a_begun_entry_is_completed_in_memory(tmp_path, refuse):
    root = tmp_path / "store"
    Store(root).entry(PARTS).put(0, TABLE[:CHUNK])
    before = files(root)
    refuse(root)
    with Store(root).hold(PARTS) as [entry]:
        assert entry.missing == [1]
        fill(entry)
    assert np.array_equal(entry.read(), TABLE)
    assert files(root) == before


def test_a_folder_that_fills_up_halfway(tmp_path, refuse):
    root = tmp_path / "store"
    with Store(root).hold(PARTS) as [entry]:
        entry.put(0, TABLE[:CHUNK])
        refuse(root, errno.ENOSPC)
        fill(entry)
        assert entry.bytes_in_memory == TABLE[CHUNK:].nbytes
        assert np.array_equal(entry.read(), TABLE)
        assert Store(root).entry(PARTS).complete


def test_a_damaged_entry_is_made_again_in_memory(tmp_path, refuse, caplog):
    root = tmp_path / "store"
    with Store(root).hold(PARTS) as [entry]:
        fill(entry)
    chunk = sorted(entry.folder.glob("*.npy"))[0]
    chunk.write_bytes(chunk.read_bytes()[:-1])
    refuse(root)
    with caplog.at_level(logging.WARNING), Store(root).hold(PARTS) as [entry]:
        assert entry.empty
        fill(entry)
    assert "made again in memory" in caplog.text
    assert np.array_equal(Store(root).entry(PARTS).read(), TABLE)


def test_memory_has_a_limit_and_keeps_the_newest(tmp_path, refuse, monkeypatch):
    monkeypatch.setattr(memory, "LIMIT_BYTES", 3 * TABLE.nbytes)
    refuse(tmp_path / "store")
    store = Store(tmp_path / "store")
    keys = [{**PARTS, "layer": str(number)} for number in range(5)]
    for key in keys:
        with store.hold(key) as [entry]:
            fill(entry)
    assert [store.entry(key).complete for key in keys] == [False, False, True, True, True]
    monkeypatch.setattr(memory, "LIMIT_BYTES", 1)
    with store.hold({**PARTS, "layer": "big"}) as [entry]:
        fill(entry)
    assert store.entry({**PARTS, "layer": "big"}).complete


def test_another_fault_is_not_taken_for_a_refusal(tmp_path, refuse):
    refuse(tmp_path / "store", errno.EIO)
    with pytest.raises(UserError), Store(tmp_path / "store").hold(PARTS):
        pass


def test_an_entry_deleted_behind_our_back_is_a_user_error(tmp_path):
    with Store(tmp_path).hold(PARTS) as [entry]:
        fill(entry)
    shutil.rmtree(entry.folder)
    with pytest.raises(UserError, match="deleted while it was in use"):
        entry.read()


@pytest.mark.skipif(sys.platform == "win32", reason="file modes")
def test_file_modes_that_forbid_writing():
    """The same by the system's own hand; a superuser's test steps down first."""
    folder = Path(tempfile.mkdtemp(prefix="dissectbench-test-"))
    root = folder / "store"
    code = (
        "import logging, os, sys\n"
        "import numpy as np\n"
        "from bench.evidence.store import Store\n"
        "logging.basicConfig(level=logging.WARNING)\n"
        "if os.geteuid() == 0:\n"
        "    os.setgroups([])\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "old = {'kind': 'activations', 'target': {'weights': 'a'}, 'n': 5}\n"
        "new = {**old, 'target': {'weights': 'b'}}\n"
        "for _ in range(2):\n"
        "    with Store(sys.argv[1]).hold(old, new) as entries:\n"
        "        assert entries[0].complete\n"
        "        assert entries[0].read().sum() == 5\n"
        "        if not entries[1].complete:\n"
        "            entries[1].put(0, np.ones((5, 2)))\n"
        "            entries[1].finish({}, {})\n"
        "    assert entries[1].read().sum() == 10\n"
    )
    try:
        with Store(root).hold({"kind": "activations", "target": {"weights": "a"}, "n": 5}) as [one]:
            one.put(0, np.ones((5, 1)))
            one.finish({}, {})
        before = files(root)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = subprocess.run(
            [sys.executable, "-c", code, str(root)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("cannot be written to") == 1
        assert files(root) == before
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)
