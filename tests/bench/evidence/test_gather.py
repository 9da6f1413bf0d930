from dataclasses import dataclass

import pytest
import torch
import torchvision

from bench.errors import LayerError, UserError
from bench.evidence import Store, gather
from bench.networks.loaded import LoadedTarget
from bench.timing import Timer
from tests.bench.evidence.tiny import (
    COUNTS,
    Net,
    TinyEncoder,
    TinyProbe,
    TinyTarget,
    direct,
    request,
    run,
    to_tensor,
)

pytestmark = pytest.mark.usefixtures("small_chunks")


@pytest.mark.parametrize("pooling", ["avg", "max"])
@pytest.mark.parametrize("kept", [True, False])
def test_each_kind_of_layer_against_a_direct_computation(tmp_path, pooling, kept):
    found = run(Store(tmp_path if kept else None), pooling=pooling)
    for layer in ("conv", "tokens", "head"):
        values = found.activations(layer)
        assert values.dtype == torch.float32
        torch.testing.assert_close(values, direct(layer, pooling), rtol=1e-5, atol=1e-6)
    assert found.units == {"conv": 5, "tokens": 5, "head": 4}
    assert found.map_sizes == {"conv": (4, 4), "tokens": None, "head": None}
    assert found.image_embeddings().shape == (30, 6)
    assert found.n == 30


def test_each_image_is_decoded_once_for_both(tmp_path):
    timer = Timer()
    what = request(["conv", "head"], batch_size=7)
    found = gather(what, store=Store(tmp_path), timer=timer)
    assert COUNTS["image"] == COUNTS["seen"] == 30
    names = [record["name"] for record in timer.records()]
    assert names[0] == "gather"
    assert set(names[1:]) == {"decode", "target_forward", "image_encoding"}
    assert all(record["items"] == 30 for record in timer.records())
    assert not found.costs, "nothing came from the cache"
    [cost] = run(Store(tmp_path), ["conv", "head"]).costs
    assert cost["complete"]
    assert {phase["name"] for phase in cost["phases"]} == set(names)


def test_costs_are_of_what_spared_work(tmp_path):
    run(Store(tmp_path), ["conv"], encoder=None)
    both = run(Store(tmp_path), ["conv", "head"])
    # the target runs for "head", and "conv" would have come with it
    assert not both.costs
    images = run(Store(tmp_path), ["conv"], encoder=TinyEncoder("another"))
    assert len(images.costs) == 1
    assert len(run(Store(tmp_path), ["conv", "head"]).costs) == 2
    assert not run(Store(tmp_path), ["conv"], encoder=None, maps=True).costs
    [maps] = run(Store(tmp_path), ["conv"], encoder=None, maps=True).costs
    assert maps not in images.costs


def test_both_poolings_come_from_one_pass(tmp_path):
    run(Store(tmp_path), pooling="avg")
    again = run(Store(tmp_path), pooling="max")
    assert again.cached
    assert COUNTS["target"] == 1
    torch.testing.assert_close(again.activations("conv"), direct("conv", "max"))


def test_all_in_the_store_loads_nothing(tmp_path):
    first = run(Store(tmp_path))
    before = dict(COUNTS)
    timer = Timer()
    again = gather(request(["head"]), store=Store(tmp_path), timer=timer)
    assert before == COUNTS
    assert again.cached
    assert timer.records()[0]["cached"]
    [cost] = again.costs
    assert cost["complete"]
    assert torch.equal(again.activations("head"), first.activations("head"))


def test_only_what_is_missing_is_run(tmp_path):
    run(Store(tmp_path))
    run(Store(tmp_path), encoder=TinyEncoder("another"))
    assert COUNTS["target"] == 1
    assert COUNTS["encoder"] == 2
    run(Store(tmp_path), layers=["relu", "head"])
    assert COUNTS["target"] == 2
    assert COUNTS["encoder"] == 2
    assert COUNTS["image"] == 90


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_pass_goes_on_after_its_last_chunk(tmp_path, workers):
    with pytest.raises(UserError, match="broken"):
        run(Store(tmp_path), probe=TinyProbe(broken=frozenset({20})), batch_size=4, workers=workers)
    COUNTS["seen"] = 0
    found = run(Store(tmp_path), batch_size=4, workers=workers)
    assert COUNTS["seen"] == 30 - 16
    torch.testing.assert_close(found.activations("conv"), direct("conv", "avg"))
    for again in (found, run(Store(tmp_path))):  # its own time is that of 14 images
        [cost] = again.costs
        assert not cost["complete"]


def test_layers_at_different_chunks_are_brought_level(tmp_path):
    with pytest.raises(UserError):
        run(Store(tmp_path), layers=["head"], probe=TinyProbe(broken=frozenset({20})))
    found = run(Store(tmp_path), layers=["conv", "head"])
    for layer in ("conv", "head"):
        torch.testing.assert_close(found.activations(layer), direct(layer, "avg"))


def test_an_unknown_fingerprint_is_never_found_again(tmp_path):
    target = TinyTarget(weights=None)
    run(Store(tmp_path), target=target)
    assert COUNTS["target"] == 2  # to see how its layers are read, and for the pass
    run(Store(tmp_path), target=target)
    assert COUNTS["target"] == 4
    assert COUNTS["encoder"] == 1


def test_batch_size_changes_nothing_that_matters():
    tiny = [run(Store(None), batch_size=size, workers=2) for size in (7, 64)]
    for layer in ("conv", "tokens", "head"):
        one, other = (found.activations(layer) for found in tiny)
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


class TightNet(Net):
    """Has room for `room` images at a time."""

    room = 3

    def forward(self, images):
        if len(images) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(images)


@dataclass(frozen=True)
class TightTarget(TinyTarget):
    room: int = 3

    def load(self, device):
        torch.manual_seed(3)
        net = TightNet().eval()
        net.room = self.room
        return LoadedTarget(net, to_tensor)


def test_out_of_memory_halves_the_batch_and_says_so(caplog):
    whole = run(Store(None), batch_size=8)
    tight = run(Store(None), target=TightTarget(), batch_size=8)
    assert (whole.batch_size, tight.batch_size) == (8, 2)
    assert "batches of 4" in caplog.text
    assert "batches of 2" in caplog.text
    for layer in ("conv", "tokens", "head"):
        torch.testing.assert_close(whole.activations(layer), tight.activations(layer))
    torch.testing.assert_close(whole.image_embeddings(), tight.image_embeddings())


def test_no_room_for_one_image_is_said_in_words():
    with pytest.raises(UserError, match="no memory for a single image"):
        run(Store(None), target=TightTarget(room=0), batch_size=4)


def test_other_errors_of_a_network_are_not_taken_for_a_lack_of_memory():
    @dataclass(frozen=True)
    class Wrong(TinyTarget):
        def load(self, device):
            class Refusing(Net):
                def forward(self, images):
                    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

            return LoadedTarget(Refusing().eval(), to_tensor)

    with pytest.raises(LayerError, match="mat1 and mat2"):
        run(Store(None), target=Wrong())


def test_a_later_in_place_operation_does_not_reach_back():
    assert (run(Store(None)).activations("conv") < 0).any()


def test_embeddings_alone_and_activations_alone(tmp_path):
    only = run(Store(tmp_path), layers=[])
    assert COUNTS["target"] == 0
    assert only.image_embeddings().shape == (30, 6)
    rest = run(Store(tmp_path), encoder=None)
    assert rest.image_embeddings() is None
    assert COUNTS["encoder"] == 1


@pytest.mark.parametrize(
    ("layer", "says"),
    [("heads", "no layer 'heads'"), ("idle", "does not run"), ("cube", "shape")],
)
def test_layers_that_cannot_be_read(tmp_path, layer, says):
    with pytest.raises(UserError, match=says) as caught:
        run(Store(tmp_path), layers=[layer])
    assert caught.value.where == "target.layers"
    with pytest.raises(UserError, match="pooling"):
        run(Store(tmp_path), pooling="mean")


@dataclass(frozen=True)
class VitTarget(TinyTarget):
    def load(self, device):
        torch.manual_seed(5)
        net = torchvision.models.VisionTransformer(8, 4, 2, 2, 12, 24, num_classes=6).eval()
        return LoadedTarget(net, lambda image: to_tensor(image)[:, :8, :8])


def test_a_vision_transformer_gives_its_class_token():
    layers = ["encoder.layers.encoder_layer_1", "heads"]
    found = run(Store(None), layers, "auto", target=VitTarget())
    net = VitTarget().load("cpu").module
    images = torch.stack([to_tensor(TinyProbe().image(i))[:, :8, :8] for i in range(30)])
    with torch.inference_mode():
        torch.testing.assert_close(found.activations("heads"), net(images), rtol=1e-5, atol=1e-5)
        body = net.encoder.ln(found.activations("encoder.layers.encoder_layer_1"))
        torch.testing.assert_close(net.heads(body), net(images), rtol=1e-5, atol=1e-5)


def test_layers_wanted_besides_come_with_the_same_pass_and_without_maps(tmp_path):
    found = run(Store(tmp_path), ["conv", "tokens"], maps=True, extra_layers=["head", "conv"])
    assert COUNTS["target"] == 1
    assert COUNTS["seen"] == 30
    assert found.layers == ("conv", "tokens")
    for layer in ("conv", "tokens", "head"):
        torch.testing.assert_close(
            found.activations(layer), direct(layer, "avg"), rtol=1e-5, atol=1e-6
        )
    assert found.maps("tokens").map_size == (1, 1)
    assert found.image_embeddings().shape == (30, 6)
    with pytest.raises(KeyError):
        found.maps("head")
    # They are the evidence of any other request for that layer, and what is there is not made anew.
    assert run(Store(tmp_path), ["head"]).cached
    assert run(Store(tmp_path), ["conv"], extra_layers=["head"]).cached
    assert COUNTS["target"] == 1
