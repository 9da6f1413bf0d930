"""Arrays in place of networks, and directions in place of units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from baselines.spatial import ExemplarRule
from bench.errors import LayerError, UserError
from bench.evidence import Store, count_missing_images, gather, gather_exemplars, has_exemplars
from bench.evidence.inventory import list_entries
from bench.networks.layout import LayoutSettings
from bench.parts.directions import Rotation, parse_directions
from bench.parts.layer_arrays import LayerArrays
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings
from bench.parts.probes.union import UnionProbe
from bench.timing import Timer
from tests.bench.evidence.tiny import (
    COUNTS,
    TinyEncoder,
    TinyProbe,
    TinyTarget,
    direct,
    request,
    run,
)

pytestmark = pytest.mark.usefixtures("small_chunks")

MAPS = np.random.default_rng(5).normal(size=(30, 5, 4, 3)).astype(np.float32)


@dataclass(frozen=True)
class ArraysTarget:
    summary: ClassVar[str] = "test"
    offset: int = 0

    def fingerprint(self):
        return {"arrays": "a"}

    def load(self, device):
        raise UserError("there is no network")

    def module_paths(self):
        return ("conv", "head")

    def arrays(self, layer, probe):
        maps = MAPS[: len(probe) + self.offset]
        parts = np.array_split(maps, 4)
        if layer == "head":
            return LayerArrays(len(maps), 5, None, lambda: maps.mean(axis=(2, 3)))
        return LayerArrays(
            len(maps), 5, (4, 3), lambda: maps.mean(axis=(2, 3)), lambda: iter(parts)
        )


@dataclass(frozen=True)
class ArraysEncoder(TinyEncoder):
    def check_embeddings(self, probe, words):
        return None

    def image_embeddings(self, probe):
        return np.arange(len(probe) * 6, dtype=np.float32).reshape(-1, 6)


def arrays_request(**options):
    return request(["conv", "head"], target=ArraysTarget(), maps=True, progress=False, **options)


def test_arrays_are_read_in_place_of_a_pass(tmp_path):
    assert isinstance(ArraysTarget(), GivesArrays)
    assert not isinstance(TinyTarget(), GivesArrays)
    assert isinstance(ArraysEncoder(), GivesEmbeddings)
    timer = Timer()
    what = arrays_request(encoder=ArraysEncoder())
    found = gather(what, store=Store(tmp_path), timer=timer)
    assert np.array_equal(found.activations("conv"), MAPS.mean(axis=(2, 3)))
    assert np.array_equal(torch.cat(list(found.maps("conv").batches())), MAPS)
    assert found.maps("head").map_size == (1, 1)
    [head] = found.maps("head").batches()
    assert torch.equal(head[:, :, 0, 0], found.activations("head"))
    assert found.units == {"conv": 5, "head": 5}
    assert found.map_sizes == {"conv": (4, 3), "head": None}
    assert [found.layouts[layer].axes for layer in ("conv", "head")] == ["BUHW", "BU"]
    assert found.image_embeddings()[2, 1] == 13
    assert not any(COUNTS.values()), "no network, no image"
    assert not list_entries(tmp_path), "nothing is copied"
    assert count_missing_images(what, store=Store(tmp_path)) == ({}, {})
    [phase] = timer.records()
    assert phase["note"] == "activations and image embeddings given as arrays"


def test_a_network_encoder_beside_arrays_is_gathered_and_cached(tmp_path):
    for _ in range(2):
        found = gather(arrays_request(), store=Store(tmp_path), timer=Timer())
        assert found.image_embeddings().shape == (30, 6)
    assert COUNTS == {"target": 0, "encoder": 1, "image": 30, "seen": 0}
    assert [info.kind for info in list_entries(tmp_path)] == ["image_embeddings"]


def test_arrays_of_a_union_are_asked_for_once(tmp_path):
    union = UnionProbe.__new__(UnionProbe)
    object.__setattr__(union, "_used", ((TinyProbe(10), 10), (TinyProbe(20), 20)))
    object.__setattr__(union, "_ends", (10, 30))
    assert len(union.members) == 2
    found = gather(replace(arrays_request(), probe=union), store=Store(tmp_path), timer=Timer())
    assert np.array_equal(found.activations("conv"), MAPS.mean(axis=(2, 3)))
    assert found.n == len(found.image_embeddings()) == 30


def test_the_largest_value_of_given_maps(tmp_path):
    found = gather(arrays_request(pooling="max"), store=Store(tmp_path), timer=Timer())
    assert np.array_equal(found.activations("conv"), MAPS.max(axis=(2, 3)))
    assert np.array_equal(found.activations("head"), MAPS.mean(axis=(2, 3)))


def test_arrays_of_other_images_are_refused():
    what = replace(arrays_request(), target=ArraysTarget(offset=-1))
    with pytest.raises(UserError, match="29 images, and the probe set has 30"):
        gather(what, store=Store(None), timer=Timer())


@pytest.mark.parametrize("layout", [LayoutSettings("cls"), LayoutSettings(axes=(("", "BHWU"),))])
def test_how_arrays_are_read_cannot_be_set(layout):
    with pytest.raises(UserError, match="the target gives arrays"):
        gather(replace(arrays_request(), layout=layout), store=Store(None), timer=Timer())


@pytest.fixture
def directions(tmp_path):
    matrix = np.random.default_rng(1).normal(size=(7, 5)).astype(np.float32)
    np.save(tmp_path / "directions.npy", matrix)
    return parse_directions(str(tmp_path / "directions.npy")), matrix


def test_directions_are_applied_to_cached_units(tmp_path, directions):
    setting, matrix = directions
    run(Store(tmp_path), ["conv", "tokens"], maps=True, progress=False)
    for layer in ("conv", "tokens"):
        COUNTS["target"] = 0
        found = run(Store(tmp_path), [layer], maps=True, progress=False, directions=setting)
        assert COUNTS["target"] == 0, "the evidence of the units is reused"
        assert found.units == {layer: 7}
        expected = direct(layer, "avg") @ torch.from_numpy(matrix).T
        torch.testing.assert_close(found.activations(layer), expected, rtol=1e-4, atol=1e-5)
        maps = torch.cat(list(found.maps(layer).batches()))
        torch.testing.assert_close(maps.mean(dim=(2, 3)), expected, rtol=1e-4, atol=1e-5)


def test_pooling_by_the_largest_value_takes_that_of_the_direction_s_own_map(tmp_path, directions):
    setting, _ = directions
    found = run(Store(tmp_path), ["conv"], "max", directions=setting, progress=False)
    maps = torch.cat(list(found.maps("conv").batches()))
    assert torch.equal(found.activations("conv"), maps.amax(dim=(2, 3)))
    given = arrays_request(pooling="max", directions=setting)
    found = gather(given, store=Store(None), timer=Timer())
    maps = torch.cat(list(found.maps("conv").batches()))
    assert torch.equal(found.activations("conv"), maps.amax(dim=(2, 3)))
    with pytest.raises(LayerError, match="the largest value of a direction"):
        run(Store(tmp_path), ["tokens"], "max", directions=setting)


def test_a_rotation_is_orthogonal_and_depends_on_the_seed_alone():
    first, again, other = (Rotation(seed).matrix(40).astype(np.float64) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    np.testing.assert_allclose(first @ first.T, np.eye(40), atol=1e-6)
    # no sign is preferred, as it would be without the signs of R's diagonal
    diagonal = np.concatenate([np.diagonal(Rotation(seed).matrix(6)) for seed in range(50)])
    assert abs(np.mean(diagonal > 0) - 0.5) < 0.1
    found = run(Store(None), ["conv"], directions=Rotation(0))
    norm = direct("conv", "avg").norm(dim=1)
    torch.testing.assert_close(found.activations("conv").norm(dim=1), norm)


def test_directions_of_another_space_are_refused(tmp_path, directions):
    setting, matrix = directions
    with pytest.raises(UserError, match="directions of 5 values, and the layer has 4 units"):
        run(Store(None), ["head"], directions=setting)
    np.save(tmp_path / "swapped.npy", matrix.T)
    swapped = {"file": str(tmp_path / "swapped.npy")}
    with pytest.raises(UserError, match="set transpose: true"):
        run(Store(None), ["conv"], directions=parse_directions(swapped))
    found = run(Store(None), ["conv"], directions=parse_directions({**swapped, "transpose": True}))
    assert torch.equal(
        found.activations("conv"),
        run(Store(None), ["conv"], directions=setting).activations("conv"),
    )


@pytest.mark.parametrize(
    "wrong", [3, {"rotation": -1}, {"rotation": True}, {"seed": 3}, {"file": ""}]
)
def test_an_invalid_setting_of_directions(wrong):
    with pytest.raises(UserError, match="invalid directions"):
        parse_directions(wrong)


def test_exemplars_of_directions_and_of_arrays(tmp_path, directions):
    rule, setting = ExemplarRule(top_k=3, quantile=0.8), directions[0]
    for what in (arrays_request(encoder=None), request(["conv"], maps=True, encoder=None)):
        for described in (None, setting, Rotation(3)):
            own = replace(what, directions=described, layers=("conv",))
            assert not has_exemplars(own, rule, 6, store=Store(tmp_path))
            evidence = gather(own, store=Store(tmp_path), timer=Timer())
            found = gather_exemplars(
                own, evidence, "conv", rule, 6, store=Store(tmp_path), timer=Timer()
            )
            assert has_exemplars(own, rule, 6, store=Store(tmp_path))
            maps = torch.cat(list(evidence.maps("conv").batches()))
            order = maps.amax(dim=(2, 3)).argsort(dim=0, descending=True)[:3].T
            assert np.array_equal(found.ids, order)
