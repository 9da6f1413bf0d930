"""Several processes on one cache, and some that are killed."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from filelock import FileLock

from bench.evidence.inventory import list_entries
from bench.evidence.prune import prune
from bench.evidence.store import CHUNK, Store

N = CHUNK + 10
PARTS = {"kind": "activations", "target": {"weights": "aa"}, "layer": "layer4", "n": N}
TABLE = np.arange(N * 3, dtype=np.float32).reshape(N, 3)


def test_four_processes_make_an_entry_once(tmp_path, other):
    code = (
        "with Store(root).hold(PARTS) as [entry]:\n"
        "    if not entry.complete:\n"
        "        time.sleep(0.3)\n"
        "        fill(entry)\n"
        "    assert np.array_equal(entry.read(), TABLE)\n"
    )
    four = [other(code) for _ in range(4)]
    assert [process.end() for process in four] == [0, 0, 0, 0]
    assert (tmp_path / "log").read_text() == "made 0\nmade 1\n"


def test_a_complete_entry_is_read_while_its_neighbour_is_made(tmp_path, other):
    root = tmp_path / "store"
    with Store(root).hold(PARTS) as [entry]:
        entry.put(0, TABLE[:CHUNK])
        entry.put(1, TABLE[CHUNK:])
        entry.finish({}, {})
    code = (
        "with Store(root).hold(PARTS, {**PARTS, 'layer': 'layer3'}):\n"
        "    print('holds both', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    maker = other(code)
    maker.wait_for("holds both")
    with Store(root).hold(PARTS) as [entry]:  # would wait for ever
        assert np.array_equal(entry.read(), TABLE)
    assert prune(root, to_bytes=0).in_use
    assert maker.end() == 0


@pytest.mark.parametrize("torn", ["chunk", "manifest"])
def test_a_process_killed_in_mid_write_is_not_believed(tmp_path, other, torn):
    victim = "'manifest' in self.name" if torn == "manifest" else "'000001' in self.name"
    code = (
        "real = Path.write_bytes\n"
        "def half(self, data):\n"
        f"    if {victim}:\n"
        "        real(self, data[: len(data) // 2])\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(self, data)\n"
        "Path.write_bytes = half\n"
        "with Store(root).hold(PARTS) as [entry]:\n"
        "    fill(entry)\n"
    )
    assert other(code).end() == -signal.SIGKILL
    [info] = list_entries(tmp_path / "store")
    assert info.state == "begun"
    assert any(file.suffix == ".tmp" for file in info.folder.iterdir())
    with Store(tmp_path / "store").hold(PARTS) as [entry]:  # its lock went with it
        assert not entry.complete
        assert entry.missing == [1]
    assert other("with Store(root).hold(PARTS) as [entry]:\n    fill(entry)\n").end() == 0
    again = Store(tmp_path / "store").entry(PARTS)
    assert again.complete
    assert np.array_equal(again.read(), TABLE)
    assert sorted(file.suffix for file in info.folder.iterdir()) == [".json", ".npy", ".npy"]
    made = (tmp_path / "log").read_text().split("\n")
    assert made.count("made 0") == 1


def test_what_another_process_holds_or_has_open_is_not_pruned(tmp_path, other, make):
    make("free")
    holding = other(
        "with Store(root).hold(PARTS) as [entry]:\n"
        "    entry.put(0, TABLE[:CHUNK])\n"
        "    print('holds', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    reading = other(
        "store = Store(root)\n"
        "with store.hold({**PARTS, 'layer': 'fc'}) as [entry]:\n"
        "    fill(entry)\n"
        "del store\n"
        "print('reads', flush=True)\n"
        "sys.stdin.readline()\n"
        "assert np.array_equal(entry.read(), TABLE)\n"
    )
    holding.wait_for("holds")
    reading.wait_for("reads")
    root = tmp_path / "store"
    for dry_run in (True, False):
        pruned = prune(root, to_bytes=0, dry_run=dry_run)
        assert [info.manifest["parts"]["target"]["weights"] for info in pruned.removed] == ["free"]
        assert len(pruned.in_use) == 2
    assert holding.end() == reading.end() == 0
    assert len(prune(root, to_bytes=0).removed) == 2
    assert list_entries(root) == []
    assert list((root / "uses").iterdir()) == []


def test_a_killed_process_uses_nothing(tmp_path, other):
    reading = other(
        "store = Store(root)\n"
        "with store.hold(PARTS) as [entry]:\n"
        "    fill(entry)\n"
        "print('reads', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    reading.wait_for("reads")
    root = tmp_path / "store"
    assert not prune(root, to_bytes=0).removed
    reading.process.kill()
    reading.process.wait(30)
    assert len(prune(root, to_bytes=0).removed) == 1
    assert list((root / "uses").iterdir()) == []


def test_pruning_beside_working_processes_breaks_nothing(tmp_path, other):
    """Four processes make, read and remake entries while one deletes all it may."""
    work = (
        "for turn in range(12):\n"
        "    parts = {**PARTS, 'layer': str(turn % 3)}\n"
        "    with Store(root).hold(parts) as [entry]:\n"
        "        if not entry.complete:\n"
        "            fill(entry)\n"
        "    assert np.array_equal(entry.read(), TABLE)\n"
        "    del entry\n"
    )
    delete = (
        "from bench.evidence.prune import prune\n"
        "for turn in range(40):\n"
        "    prune(root, to_bytes=0)\n"
        "    time.sleep(0.005)\n"
    )
    running = [other(work), other(work), other(work), other(delete)]
    assert [process.end() for process in running] == [0, 0, 0, 0]
    for info in list_entries(tmp_path / "store"):
        assert info.state == "complete"


def test_two_prunings_do_not_meet(tmp_path, make):
    make("a")
    locks = tmp_path / "store" / "locks"
    with FileLock(locks / "prune.lock"), pytest.raises(TimeoutError):
        prune(tmp_path / "store", to_bytes=0)
    assert len(prune(tmp_path / "store", to_bytes=0).removed) == 1
    assert [file.name for file in locks.iterdir()] == ["prune.lock"]
