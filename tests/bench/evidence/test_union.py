"""A union's evidence is that on its parts, one behind the other, and made once."""

from dataclasses import dataclass

import pytest
import torch

from bench.evidence import Store, gather_share
from bench.timing import Timer
from tests.bench.evidence.tiny import COUNTS, TinyProbe, request, run

pytestmark = pytest.mark.usefixtures("small_chunks")

LAYERS = ("conv", "tokens", "head")


@dataclass(frozen=True)
class Union:
    """Images of several sets."""

    members: tuple[object, ...]

    def __len__(self):
        return sum(map(len, self.members))

    def fingerprint(self):
        return {"of": [dict(member.fingerprint()) for member in self.members]}


def both():
    return Union((TinyProbe(), TinyProbe(n=17)))


def gathered(store, probe, **more):
    return run(store, LAYERS, probe=probe, **more)


def test_a_union_reads_like_its_parts_in_their_order(tmp_path):
    found = gathered(Store(tmp_path), both(), maps=True)
    parts = [gathered(Store(tmp_path), member, maps=True) for member in both().members]
    assert found.n == 47
    assert (found.layers, found.units) == (parts[0].layers, parts[0].units)
    for layer in LAYERS:
        wanted = torch.cat([part.activations(layer) for part in parts])
        assert torch.equal(found.activations(layer), wanted)
    maps = found.maps("conv")
    assert (maps.n_images, maps.n_units, maps.map_size) == (47, 5, (4, 4))
    read = torch.cat(list(maps.batches()))
    assert torch.equal(read, torch.cat([b for part in parts for b in part.maps("conv").batches()]))
    assert found.image_embeddings().shape == (47, 6)


def test_no_image_of_a_known_set_is_looked_at_again(tmp_path):
    store = Store(tmp_path)
    gathered(store, TinyProbe())
    COUNTS.update(dict.fromkeys(COUNTS, 0))
    found = gathered(store, both())
    assert COUNTS["image"] == 17
    assert not found.cached
    assert len(found.costs) == 1
    COUNTS.update(dict.fromkeys(COUNTS, 0))
    again = gathered(store, both())
    assert again.cached
    assert len(again.costs) == 2  # what each part's pass cost when it was made
    assert not COUNTS["image"]


def test_shares_of_a_union_are_shares_of_its_parts(tmp_path):
    whole = gathered(Store(tmp_path / "whole"), both())
    store = Store(tmp_path / "shared")
    seen = [
        gather_share(request(LAYERS, probe=both()), (number, 2), store=store, timer=Timer())
        for number in (2, 1)
    ]
    assert sum(seen) == 47
    COUNTS.update(dict.fromkeys(COUNTS, 0))
    found = gathered(store, both())
    assert not COUNTS["image"]
    assert torch.equal(found.activations("head"), whole.activations("head"))


def test_unions_of_unions_are_flat(tmp_path):
    nested = Union((both(), TinyProbe(n=3)))
    assert [len(member.probe) for member in request(probe=nested).members()] == [30, 17, 3]
    assert [member.probe for member in request().members()] == [TinyProbe()]
    assert gathered(Store(tmp_path), nested).n == 50
    assert run(Store(tmp_path)).n == 30
