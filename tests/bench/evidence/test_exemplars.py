"""Exemplars: chosen once, kept with their images, read without network or probe set."""

from __future__ import annotations

import errno
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import grid_sample

from baselines.spatial import ExemplarRule
from bench.errors import UserError
from bench.evidence import (
    ProbeEvidence,
    Store,
    exemplar_keys,
    gather,
    gather_exemplars,
    has_exemplars,
    open_exemplars,
    stored_exemplars,
)
from bench.evidence.inventory import list_entries
from bench.evidence.row_reader import RowReader
from bench.networks.layout import PLAIN
from bench.parts.view import crop_of
from bench.timing import Timer
from tests.bench.evidence import tiny
from tests.bench.evidence.tiny import COUNTS, TinyProbe, TinyTarget, direct

module = sys.modules["bench.evidence.exemplars"]
RULE = ExemplarRule(top_k=3, quantile=0.8)
SIZE = 6


@dataclass(frozen=True)
class Cropping(TinyTarget):
    summary: ClassVar[str] = "test"
    visible_share: float | None = 2 / 3
    squashes: bool = False


@pytest.fixture(autouse=True)
def _small(small_chunks, monkeypatch):
    for where in (module, stored_exemplars):
        monkeypatch.setattr(where, "IMAGE_ROWS", 4)
        monkeypatch.setattr(where, "MASK_ROWS", 2)
        monkeypatch.setattr(where, "TABLE_ROWS", 2)


def run(root, layer="conv", *, rule=RULE, size=SIZE, timer=None, **more):
    more = {"maps": True, "progress": False, "encoder": None, **more}
    store, request = Store(root), tiny.request([layer], **more)
    evidence = gather(request, store=store, timer=Timer())
    return gather_exemplars(
        request, evidence, layer, rule, size, store=store, timer=timer or Timer()
    )


def conv_maps():
    kept = []
    torch.manual_seed(3)
    net = tiny.Net().eval()
    net.conv.register_forward_hook(lambda _m, _i, output: kept.append(output.detach().clone()))
    net(torch.stack([tiny.to_tensor(TinyProbe().image(i)) for i in range(30)]))
    return kept[0].numpy()


def enlarged(own):
    at = (np.arange(SIZE) + 0.5) * own.shape[-1] / SIZE - 0.5
    at = at * 2 / (own.shape[-1] - 1) - 1
    points = torch.from_numpy(np.stack(np.meshgrid(at, at), axis=-1))[None]
    stack = torch.from_numpy(own.astype(np.float64))[None]
    return grid_sample(stack, points, align_corners=True)[0].numpy()


def same(one, other):
    for name in ("ids", "activations", "levels", "image_ids"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name
    for unit in range(len(one.ids)):
        assert np.array_equal(one.masks(unit), other.masks(unit))
    assert np.array_equal(one.images(one.image_ids), other.images(one.image_ids))


@pytest.mark.parametrize("kept", [True, False])
def test_values_are_those_of_a_plain_loop(tmp_path, kept):
    found = run(tmp_path if kept else None)
    maps = conv_maps()
    assert (found.ids.shape, found.size, found.whole) == ((5, 3), SIZE, False)
    for unit in range(5):
        own = maps[:, unit]
        peaks = own.max(axis=(1, 2))
        ids = np.argsort(-peaks, kind="stable")[:3]
        assert found.ids[unit].tolist() == ids.tolist()
        np.testing.assert_allclose(found.activations[unit], peaks[ids], rtol=1e-5)
        level = np.quantile(own.astype(np.float64), 0.8, method="hazen")
        np.testing.assert_allclose(found.levels[unit], level, rtol=1e-5)
        large = enlarged(own[ids])
        clear = np.abs(large - level) > 1e-5
        masks = found.masks(unit)
        assert (masks.dtype, masks.shape) == (np.bool_, (3, SIZE, SIZE))
        assert np.array_equal(masks[clear], (large > level)[clear])
        expected = [
            np.asarray(TinyProbe().image(int(i)).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
            for i in ids
        ]
        assert np.array_equal(found.images(ids.tolist()), np.stack(expected))
    with pytest.raises(IndexError):
        found.masks(5)


def test_a_layer_without_maps(tmp_path):
    found = run(tmp_path, "head")
    values = direct("head", "avg").detach().numpy()
    assert found.whole
    assert np.isnan(found.levels).all()
    assert found.ids.tolist() == np.argsort(-values, axis=0, kind="stable")[:3].T.tolist()
    assert found.masks(0).all()
    assert found.masks(0).shape == (3, SIZE, SIZE)
    kinds = sorted(kept.kind for kept in list_entries(tmp_path))
    assert kinds == ["activations", "exemplar_images", "exemplars", "maps"]
    assert run(tmp_path, "head").cached


def test_dead_units_have_none(tmp_path, monkeypatch):
    real = tiny.Net.forward

    def killed(self, images):
        torch.nn.init.zeros_(self.conv.weight[1].detach())
        return real(self, images)

    monkeypatch.setattr(tiny.Net, "forward", killed)
    found = run(tmp_path, "relu")
    assert (found.ids[1] == -1).all()
    assert np.isnan(found.activations[1]).all()
    assert not found.masks(1).any()
    assert (found.ids[0] >= 0).all()
    with pytest.raises(IndexError, match="not an exemplar of any unit"):
        found.images([-1])


def test_all_in_the_store_reads_no_network_no_map_and_no_image(tmp_path, monkeypatch):
    first = run(tmp_path)
    before = dict(COUNTS)

    def none(*_args):
        raise AssertionError

    monkeypatch.setattr(tiny.TinyProbe, "image", none)
    monkeypatch.setattr(ProbeEvidence, "maps", none)
    for maps in (True, False):
        timer = Timer()
        again = run(tmp_path, maps=maps, timer=timer)
        assert (first.cached, again.cached) == (False, True)
        assert [(p["name"], p["cached"]) for p in timer.records()] == [("exemplars", True)] * 2
        same(first, again)
    assert before == COUNTS
    assert (len(first.costs), len(again.costs)) == (0, 2)
    names = [[phase["name"] for phase in cost["phases"]] for cost in again.costs]
    assert names == [["exemplars", "rank", "masks"], ["exemplars", "decode"]]


def test_they_open_by_their_keys_alone(tmp_path):
    keys = exemplar_keys(tiny.request(), "conv", PLAIN, RULE, SIZE, n_units=5)
    assert open_exemplars(*keys, Store(tmp_path)) is None
    made = run(tmp_path)
    found = open_exemplars(*keys, Store(tmp_path))
    same(made, found)
    assert found.cached
    [images] = [kept for kept in list_entries(tmp_path) if kept.kind == "exemplar_images"]
    images.chunk_files[0].unlink()
    assert open_exemplars(*keys, Store(tmp_path)) is None


CHANGES = {
    "target": {"target": TinyTarget("v")},
    "view": {"target": Cropping()},
    "layer": {"layer": "relu"},
    "probe": {"probe": TinyProbe(29)},
    "precision": {"precision": "bfloat16"},
    "pooling": {"pooling": "max"},
    "top_k": {"rule": ExemplarRule(2, 0.8)},
    "quantile": {"rule": ExemplarRule(3, 0.81)},
    "order": {"rule": ExemplarRule(3, 0.8, order="pooled")},
    "size": {"size": 7},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_exemplars_of_anything_else_are_not_found(tmp_path, change):
    run(tmp_path)
    timer = Timer()
    assert not run(tmp_path, **change, timer=timer).cached
    assert timer.records()[0] == {**timer.records()[0], "name": "exemplars", "cached": False}
    assert run(tmp_path).cached


def test_newer_code_does_not_believe_what_older_code_made(tmp_path, monkeypatch):
    run(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(stored_exemplars, "EXTRACTOR_VERSION", 10**6)
        assert not run(tmp_path).cached
    assert run(tmp_path).cached


@pytest.mark.parametrize("limit", [8e9, 0])
def test_batches_and_how_maps_are_kept_decide_nothing(tmp_path, limit):
    whole = run(tmp_path / "one", batch_size=30)
    other = run(tmp_path / "other", batch_size=7, maps_limit=limit, workers=0)
    assert np.array_equal(whole.ids, other.ids)
    np.testing.assert_allclose(whole.levels, other.levels, rtol=1e-5)
    assert np.array_equal(whole.images(whole.image_ids), other.images(whole.image_ids))


def test_images_are_of_the_part_that_the_network_sees(tmp_path):
    found = run(tmp_path, target=Cropping())
    index = int(found.ids[0, 0])
    view = (
        TinyProbe()
        .image(index)
        .resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(1.5, 1.5, 7.5, 7.5))
    )
    assert np.array_equal(found.images([index])[0], np.asarray(view))


def test_views():
    assert crop_of(TinyTarget()) == 1.0
    assert crop_of(Cropping()) == 2 / 3
    assert crop_of(Cropping(visible_share=1.0, squashes=True)) == 0.0
    for share, says in ((None, "is unknown"), (1.5, "more than all")):
        with pytest.raises(UserError, match=says):
            crop_of(Cropping(visible_share=share))


def test_an_unknown_view_is_refused_before_anything_is_chosen(tmp_path):
    with pytest.raises(UserError, match="is unknown"):
        run(tmp_path, target=Cropping(visible_share=None))
    assert "exemplars" not in {kept.kind for kept in list_entries(tmp_path)}


def test_only_exemplars_have_images(tmp_path):
    found = run(tmp_path)
    other = next(i for i in range(30) if i not in found.image_ids)
    for wrong in (other, -1, 30):
        with pytest.raises(IndexError, match=rf"image {wrong} is not an exemplar"):
            found.images([int(found.ids[0, 0]), wrong])
    assert found.images([]).shape == (0, SIZE, SIZE, 3)
    twice = found.images([int(found.ids[0, 0])] * 2)
    assert np.array_equal(twice[0], twice[1])


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_pass_over_the_images_goes_on(tmp_path, workers, monkeypatch):
    whole = run(tmp_path / "whole")
    broken = frozenset({int(whole.image_ids[5])})  # in the second piece of four
    real = TinyProbe.image

    def breaking(self, index):
        if index in broken and sys._getframe(1).f_code.co_name == "read":
            raise UserError("broken image")
        return real(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(TinyProbe, "image", breaking)
        with pytest.raises(UserError, match="broken"):
            run(tmp_path / "cut", workers=workers)
    COUNTS["image"] = 0
    timer = Timer()
    found = run(tmp_path / "cut", workers=workers, timer=timer)
    assert COUNTS["image"] == len(whole.image_ids) - 4
    assert [p["cached"] for p in timer.records() if p["name"] == "exemplars"] == [True, False]
    same(whole, found)
    for again in (found, run(tmp_path / "cut")):
        assert [cost["complete"] for cost in again.costs] == [True, False]


@pytest.mark.parametrize("kind", ["exemplars", "exemplar_masks", "exemplar_images"])
def test_a_damaged_part_is_made_again(tmp_path, kind):
    first = run(tmp_path)
    [kept] = [kept for kept in list_entries(tmp_path) if kept.kind == kind]
    kept.chunk_files[0].write_bytes(b"no array")
    again = run(tmp_path)
    assert not again.cached
    same(first, again)
    assert run(tmp_path).cached


def test_a_folder_that_refuses(tmp_path, refuse):
    whole = run(tmp_path / "whole")
    root = tmp_path / "store"
    tiny.run(Store(root), ["conv"], encoder=None, maps=True)
    before = sorted(root.rglob("*"))
    refuse(root, errno.EROFS)
    found = run(root)
    same(whole, found)
    assert run(root).cached
    assert sorted(root.rglob("*")) == before


def test_pieces_stay_open_up_to_a_number_and_threads_share_them(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.evidence.row_reader._MAX_OPEN", 2)
    found = run(tmp_path)
    ids = [int(i) for i in found.image_ids] * 3
    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(lambda i: found.images([i])[0], ids))
    for index, view in zip(ids, views, strict=True):
        expected = TinyProbe().image(index).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        assert np.array_equal(view, np.asarray(expected))
    assert isinstance(found._images, RowReader)
    assert len(found._images._open) <= 2


def test_no_live_unit_at_all(tmp_path):
    found = run(tmp_path, probe=TinyProbe(1))  # one image: all activations are constant
    assert (found.ids == -1).all()
    assert not len(found.image_ids)
    assert run(tmp_path, probe=TinyProbe(1)).cached


def test_a_size_below_1_is_refused(tmp_path):
    with pytest.raises(ValueError, match="pixel"):
        run(tmp_path, size=0)


def test_crop_and_squash_of_torchvision_targets():
    from bench.parts.targets import TorchvisionTarget

    usual = TorchvisionTarget("resnet18", file="x.pth")
    assert crop_of(usual) == 0.875
    assert crop_of(replace(usual, input_size=224, resize=224)) == 1.0
    assert crop_of(replace(usual, resize=0)) == 0.0
    own = TorchvisionTarget("resnet18", weights="DEFAULT")
    with pytest.raises(UserError, match="is unknown"):
        crop_of(own)


def test_whether_maps_have_to_be_gathered_is_known_beforehand(tmp_path):
    def held(rule=RULE, **more):
        return has_exemplars(tiny.request(["conv"], **more), rule, SIZE, store=Store(tmp_path))

    assert not held()
    run(tmp_path)
    before = dict(COUNTS)
    assert held()
    assert not held(ExemplarRule(4, 0.8))
    assert before == COUNTS
    for kept in list_entries(tmp_path):  # maps are the largest, and may go
        if kept.kind == "maps":
            shutil.rmtree(kept.folder)
    assert held()
    assert run(tmp_path, maps=False).cached
    [images] = [kept for kept in list_entries(tmp_path) if kept.kind == "exemplar_images"]
    shutil.rmtree(images.folder)
    assert not held()
