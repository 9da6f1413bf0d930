import subprocess
import sys
import time

import pytest

from bench.timing import Timer

FIELDS = {
    "name",
    "wall_s",
    "device_s",
    "peak_device_bytes",
    "peak_host_bytes",
    "items",
    "cached",
}


def test_a_phase_records_its_time_items_and_parts():
    timer = Timer()
    with timer.phase("gather", items=3) as phase:
        time.sleep(0.05)
        timer.add("decode", 1.5, items=1)
        timer.add("decode", 0.5, items=1)
        with timer.part("target_forward", 2):
            time.sleep(0.02)
        phase.cached = True
    with timer.phase("match"):
        pass
    gather, decode, forward, match = timer.records()
    assert set(gather) == FIELDS
    assert gather["name"] == "gather"
    assert 0.07 <= gather["wall_s"] < 1
    assert gather["items"] == 3
    assert gather["cached"]
    assert gather["device_s"] is None
    assert gather["peak_device_bytes"] is None
    assert (decode["name"], decode["wall_s"], decode["items"]) == ("decode", 2.0, 2)
    assert forward["wall_s"] >= 0.02
    assert match["name"] == "match"


def test_peak_memory_is_seen_though_it_is_given_back():
    # In a process of its own: one that has freed much takes a new block from what it kept.
    code = """if True:
        import time
        import numpy as np
        from bench.timing import Timer
        timer = Timer()
        with timer.phase("small"):
            pass
        with timer.phase("big"):
            block = np.ones(25_000_000)
            time.sleep(0.5)
            del block
        small, big = timer.records()
        assert big["peak_host_bytes"] - small["peak_host_bytes"] > 150_000_000
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_failing_phase_is_recorded_and_a_part_needs_a_phase():
    timer = Timer()
    with pytest.raises(ValueError), timer.phase("match"):
        raise ValueError
    assert timer.records()[0]["wall_s"] > 0
    with pytest.raises(RuntimeError):
        timer.add("decode", 1.0)


def test_nested_phases_keep_their_order():
    timer = Timer()
    with timer.phase("gather"):
        timer.add("decode", 0.1)
        with timer.phase("text"):
            pass
    assert [r["name"] for r in timer.records()] == ["gather", "decode", "text"]


def test_so_far_is_read_while_the_phase_runs():
    timer = Timer()
    with timer.phase("gather", items=1):
        timer.add("decode", 0.1)
        now = timer.so_far()
    assert [r["name"] for r in now] == ["gather", "decode"]
    assert now[0]["wall_s"] <= timer.records()[0]["wall_s"]
