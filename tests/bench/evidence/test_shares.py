"""Shares of the chunks, cut anyhow, in any order: they merge to exactly the whole."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.evidence import Store, gather_share
from bench.evidence.inventory import list_entries
from bench.timing import Timer
from tests.bench.evidence.tiny import COUNTS, request, run

pytestmark = pytest.mark.usefixtures("small_chunks")
LAYERS = ("conv", "head")


def share(root, number, of, *, maps=True):
    what = request(LAYERS, batch_size=3, maps=maps)
    return gather_share(what, (number, of), store=Store(root), timer=Timer())


def files(root):
    """Names (which hold the sha256 of the bytes) of all chunks, by entry."""
    return {info.key: [file.name for file in info.chunk_files] for info in list_entries(Path(root))}


@pytest.fixture
def whole(tmp_path):
    """What one process gathers, and its folder: made once for all examples."""
    return run(Store(tmp_path), LAYERS, maps=True, batch_size=3), tmp_path


@given(
    order=st.integers(1, 6).flatmap(lambda n: st.permutations(range(1, n + 1))),
    done=st.integers(0, 6),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_cut_merges_to_exactly_the_whole(whole, order, done):
    expected, folder = whole
    with tempfile.TemporaryDirectory() as other:
        # a share has no chunk, and so no time, where there are more shares than chunks
        made = sum(share(other, number, len(order)) for number in order[:done])
        before = COUNTS["seen"]
        merged = run(Store(other), LAYERS, maps=True, batch_size=3)
        if done >= len(order):
            assert COUNTS["seen"] == before, "the shares left nothing to do"
        assert files(folder) == files(other)
        for layer in LAYERS:
            assert np.array_equal(expected.activations(layer), merged.activations(layer))
        assert np.array_equal(expected.image_embeddings(), merged.image_embeddings())
        assert bool(merged.costs) == (made > 0), "the shares' time is not known"
        assert merged.units == expected.units
        assert merged.map_sizes == expected.map_sizes


def test_a_share_that_is_there_is_not_made_again(tmp_path):
    assert share(tmp_path, 1, 2) == 16
    assert share(tmp_path, 1, 2) == 0
    assert share(tmp_path, 2, 2) == 14


def test_more_shares_than_chunks(tmp_path):
    # 4 chunks of 8 images in 9 shares: five shares are empty, none makes another's chunk
    assert [share(tmp_path, number, 9) for number in range(1, 10)] == [0, 0, 8, 0, 8, 0, 8, 0, 6]
    assert run(Store(tmp_path), LAYERS, maps=True).units == {"conv": 5, "head": 4}


def test_a_begun_entry_says_what_it_is_of(tmp_path):
    share(tmp_path, 1, 2, maps=False)
    found = list_entries(tmp_path)
    assert {info.state for info in found} == {"begun"}
    assert {info.parts["kind"] for info in found} == {"activations", "image_embeddings"}
    run(Store(tmp_path), LAYERS)
    assert {info.state for info in list_entries(tmp_path)} == {"complete"}
    assert not list(tmp_path.rglob("begun.json"))


WORKER = """
import sys
from pathlib import Path
from bench.evidence import Store, gather_share
from bench.timing import Timer
from tests.bench.evidence.tiny import request
for name in ("store", "gather_pass", "gather"):
    sys.modules[f"bench.evidence.{name}"].CHUNK = 8
for name in ("maps", "gather_pass", "request"):
    sys.modules[f"bench.evidence.{name}"].ROWS = 2
root, number = Path(sys.argv[1]), int(sys.argv[2])
for _ in range(3):
    what = request(("conv", "head"), batch_size=3, maps=True)
    gather_share(what, (number, 2), store=Store(root), timer=Timer())
"""


def test_shares_side_by_side_and_a_whole_run_beside_them(tmp_path):
    root = Path(__file__).resolve().parents[3]
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(n)], cwd=root)
        for n in (1, 2)
    ]
    merged = run(Store(tmp_path), LAYERS, maps=True, batch_size=3)
    assert [worker.wait() for worker in workers] == [0, 0]
    whole = run(Store(None), LAYERS, maps=True, batch_size=3)
    for layer in LAYERS:
        assert np.array_equal(whole.activations(layer), merged.activations(layer))
