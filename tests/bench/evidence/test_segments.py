"""Pseudo-masks: made once, chunk by chunk, read image by image."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.spatial import MaskLabel
from bench.errors import UserError
from bench.evidence import Store, segment, segment_share
from bench.evidence import store as store_module
from bench.evidence.inventory import list_entries
from bench.networks.execution import Execution
from bench.parts.protocols import LoadedSegmenter
from bench.parts.segmenters import ProbeMasks
from bench.timing import Timer

segments_module = sys.modules["bench.evidence.segments"]
COUNTS = {"load": 0, "image": 0, "seen": 0}
SIZE = (3, 4)
LABELS = tuple(MaskLabel(name, "object") for name in ("dark", "middling", "bright"))


def to_tensor(image):
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)


@dataclass(frozen=True)
class TinySegmenter:
    """Two planes: the red of the corner at the top left, and nothing."""

    summary: ClassVar[str] = "test"
    uses_probe_masks: ClassVar[bool] = False
    identity: dict[str, Any] = field(default_factory=lambda: {"weights": "w"})
    room: int = 1000
    beyond: int = 0

    def fingerprint(self):
        return self.identity

    def labels(self):
        return LABELS

    def categories(self):
        return ("object",)

    def load(self, device):
        COUNTS["load"] += 1

        def run(images):
            COUNTS["seen"] += len(images)
            if len(images) > self.room:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            red = (images[:, 0, : SIZE[0], : SIZE[1]] * 2.999).long() + self.beyond
            return torch.stack([red, torch.full_like(red, -1)], dim=1)

        return LoadedSegmenter(to_tensor, run, SIZE)


@dataclass(frozen=True)
class TinyProbe:
    summary: ClassVar[str] = "test"
    n: int = 30
    broken: frozenset[int] = frozenset()
    name: str = "tiny"

    def __len__(self):
        return self.n

    def fingerprint(self):
        return {"kind": self.name, "n": self.n}

    def image(self, index):
        if index in self.broken:
            raise UserError("broken image")
        COUNTS["image"] += 1
        draw = np.random.default_rng(index)
        return Image.fromarray(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8))


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    for name in COUNTS:
        COUNTS[name] = 0
    for module in (store_module, segments_module):
        monkeypatch.setattr(module, "CHUNK", 8)


def run(root, *, segmenter=None, probe=None, **options):
    return segment(
        segmenter or TinySegmenter(), probe or TinyProbe(), store=Store(root), timer=Timer(),
        execution=Execution(progress=False, **options),
    )  # fmt: skip


def expected(index):
    red = np.asarray(TinyProbe().image(index))[: SIZE[0], : SIZE[1], 0]
    return (red.astype(np.float32) / 255 * 2.999).astype(np.int32)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("batch_size", [3, 64])
def test_masks_are_what_the_network_said(tmp_path, kept, batch_size):
    masks = run(tmp_path if kept else None, batch_size=batch_size)
    assert (len(masks), masks.mask_size) == (30, SIZE)
    assert (masks.labels, masks.categories) == (LABELS, ("object",))
    for index in range(30):
        found = masks.image(index)
        assert found.scalars == ()
        assert found.planes.dtype == np.int32
        assert (found.planes[0] == expected(index)).all()
        assert (found.planes[1] == -1).all()
    for index in (-1, 30):
        with pytest.raises(IndexError):
            masks.image(index)


def test_all_in_the_store_loads_nothing(tmp_path):
    first = run(tmp_path)
    assert COUNTS == {"load": 1, "image": 30, "seen": 30}
    again = run(tmp_path)
    assert COUNTS == {"load": 1, "image": 30, "seen": 30}
    assert (first.cached, again.cached) == (False, True)
    assert again.costs == first.costs
    assert (again.image(29).planes == first.image(29).planes).all()
    [kept] = list_entries(tmp_path)
    assert kept.kind == "segments"
    assert np.load(kept.chunk_files[0]).dtype == np.int16


def test_the_timer_gets_the_phase_and_its_parts(tmp_path):
    timer = Timer()
    masks = segment(TinySegmenter(), TinyProbe(), store=Store(tmp_path), timer=timer)
    records = timer.records()
    assert records[0]["name"] == "segment"
    assert {record["name"] for record in records[1:]} == {"decode", "segmenter_forward"}
    assert all(record["items"] == 30 for record in records)
    [cost] = masks.costs
    assert cost["complete"]
    assert cost["phases"][0]["name"] == "segment"


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_pass_goes_on_after_its_last_chunk(tmp_path, workers):
    broken = TinyProbe(broken=frozenset({20}))
    with pytest.raises(UserError, match="broken"):
        run(tmp_path, probe=broken, batch_size=4, workers=workers)
    COUNTS["seen"] = 0
    masks = run(tmp_path, batch_size=4, workers=workers)
    assert COUNTS["seen"] == 30 - 16
    assert not masks.costs[0]["complete"]
    for index in range(30):
        assert (masks.image(index).planes[0] == expected(index)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"segmenter": TinySegmenter({"weights": "v"})},
        {"segmenter": TinySegmenter({"weights": "w", "precision": "bfloat16"})},
        {"probe": TinyProbe(29)},
        {"probe": TinyProbe(name="other")},
    ],
    ids=str,
)
def test_masks_of_anything_else_are_not_found(tmp_path, change):
    run(tmp_path)
    assert not run(tmp_path, **change).cached
    assert run(tmp_path).cached


def test_newer_code_does_not_believe_what_older_code_made(tmp_path, monkeypatch):
    run(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(segments_module, "EXTRACTOR_VERSION", 10**6)
        assert not run(tmp_path).cached
    assert run(tmp_path).cached


def test_an_unknown_fingerprint_is_never_found_again(tmp_path):
    unknown = TinySegmenter({"weights": None})
    run(tmp_path, segmenter=unknown)
    assert not run(tmp_path, segmenter=unknown).cached


def test_threads_share_the_files_and_no_chunk_is_read_as_a_whole(tmp_path):
    masks = run(tmp_path)
    entry = masks._rows._entry
    reads = []
    read = entry.chunk

    def counted(number, *, mapped):
        reads.append((number, mapped))
        return read(number, mapped=mapped)

    entry.chunk = counted
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(masks.image, range(30)))
    assert sorted(reads) == [(number, True) for number in range(4)]
    for index in range(30):
        assert (found[index].planes[0] == expected(index)).all()


def test_out_of_memory_halves_the_batch(tmp_path, caplog):
    masks = run(tmp_path, segmenter=TinySegmenter(room=3), batch_size=8)
    assert masks.batch_size == 2
    assert "batches of 2" in caplog.text
    assert (masks.image(29).planes[0] == expected(29)).all()


def test_a_segmenter_that_marks_beyond_its_labels_is_stopped(tmp_path):
    with pytest.raises(ValueError, match="beyond its 3"):
        run(tmp_path, segmenter=TinySegmenter(beyond=2))


def test_the_probes_own_masks_are_not_segmented(tmp_path):
    with pytest.raises(UserError, match="read from the probe"):
        run(tmp_path, segmenter=ProbeMasks())


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1), (2,), (1, 2, 3, 4, 5, 6, 7)])
def test_shares_merge_to_exactly_the_whole(tmp_path, order):
    whole = run(tmp_path / "whole")
    of = max(3, *order)
    looked_at = [
        segment_share(
            TinySegmenter(), TinyProbe(), (number, of),
            store=Store(tmp_path / "cut"), timer=Timer(),
            execution=Execution(progress=False, batch_size=3),
        )
        for number in order
    ]  # fmt: skip
    assert sum(looked_at) <= len(TinyProbe())
    merged = run(tmp_path / "cut")
    assert merged.mask_size == whole.mask_size
    for index in range(len(TinyProbe())):
        assert np.array_equal(merged.image(index).planes, whole.image(index).planes)
    files = [sorted(f.name for f in (tmp_path / at).rglob("*.npy")) for at in ("whole", "cut")]
    assert files[0] == files[1]
