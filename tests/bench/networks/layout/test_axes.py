"""Axes of a layer's output: found, told, or refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision import transforms

from bench.errors import LayerError, UserError
from bench.networks.layout import Layout, LayoutSettings
from bench.networks.layout.find import find_layouts
from bench.networks.loaded import LoadedTarget
from tests.bench.networks.layout import networks
from tests.bench.networks.layout.networks import evidence, layouts, outputs

CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def axes_of(network: nn.Module, *layers: str, **reading: object) -> list[str]:
    found = layouts(network, *layers, **reading)
    assert all(isinstance(layout, Layout) for layout in found.values()), found
    return [layout.axes for layout in found.values()]


def refusal(network: nn.Module, layer: str, **reading: object) -> LayerError:
    [found] = layouts(network, layer, **reading).values()
    assert isinstance(found, LayerError)
    assert found.layer == layer
    return found


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_units_of_channels_last_maps(pooling: str) -> None:
    build = networks.ChannelsLast
    found = evidence(build, "last", "norm", "act", "back", pooling=pooling, maps=True)
    maps = outputs(build, "last", "norm")[0]
    pooled = maps.mean((1, 2)) if pooling == "avg" else maps.amax((1, 2))
    assert found.units == {"norm": 6, "act": 6, "back": 6}
    assert found.map_sizes["norm"] == (4, 4)
    torch.testing.assert_close(found.activations("norm"), pooled, **CLOSE)
    [read] = found.maps("norm").batches()
    torch.testing.assert_close(read, maps.permute(0, 3, 1, 2), **CLOSE)
    assert [found.layouts[layer].axes for layer in found.layers] == ["BHWU", "BHWU", "BUHW"]


def test_a_norm_of_axis_1_is_told_from_one_of_the_last() -> None:
    assert axes_of(networks.ChannelsFirst(), "norm", "conv") == ["BUHW", "BUHW"]


@pytest.mark.parametrize("n", [12, 16])
def test_tokens_first_with_fewer_and_as_many_images_as_tokens(n: int) -> None:
    def build() -> nn.Module:
        return networks.Tokens(first=True)

    found = evidence(build, "first", "block", n=n)
    assert found.layouts["block"].axes == "TBU"
    assert found.activations("block").shape == (n, 8)
    expected = outputs(build, "first", "block", n)[0].mean(0)
    torch.testing.assert_close(found.activations("block"), expected, **CLOSE)


def test_windows_count_no_images() -> None:
    error = refusal(networks.Windows(), "inside")
    assert "[8, 4, 6] for two images: axis 0 counts images times 4" in str(error)
    assert axes_of(networks.Windows(), "after") == ["BTU"]


def test_a_block_that_mixes_tokens_is_not_read_by_its_linear_layer() -> None:
    network = networks.TokenMixing()
    error = refusal(network, "mix.tokens")
    assert "[images, 16, 8]" in str(error)
    assert "target.axes" in str(error)
    assert axes_of(network, "mix.tokens", axes="BTU") == ["BTU"]
    assert axes_of(network, "mix.tokens.fc") == ["BTU"]  # its own units are tokens: 16 of 8 values


def test_equal_sizes_are_refused_where_no_module_tells_them_apart() -> None:
    class Square(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 4, stride=4)
            self.turn = Turn()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.turn(self.conv(x)).flatten(1)[:, :64].reshape(-1, 64)

    class Turn(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1).reshape(len(x), 4, -1)[:, :, :16].reshape(-1, 4, 4, 4)

    error = refusal(Square(), "turn")
    assert "target.axes" in error.hint
    assert "[images, 4, 4, 4]" in error.what
    assert axes_of(Square(), "turn", axes={"turn": "bhwu"}) == ["BHWU"]


def test_another_image_size_tells_units_from_positions() -> None:
    class Resizes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 4, stride=4)
            self.join = Join()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.join(self.conv(x)).mean((2, 3))

    class Join(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, x, x], 1)

    assert axes_of(Resizes(), "join") == ["BUHW"]


def test_what_is_told_is_checked() -> None:
    network = networks.ChannelsLast()
    assert "which is not BTU" in str(refusal(network, "norm", axes="BTU"))
    assert "which is not UBHW" in str(refusal(network, "norm", axes="UBHW"))
    assert axes_of(network, "norm", "conv", axes={"norm": "BHWU"}) == ["BHWU", "BUHW"]


@pytest.mark.parametrize("axes", ["BHW", "BUXW", "BBU", "BUHH", "U", "B U"])
def test_axes_that_name_no_layer(axes: str) -> None:
    with pytest.raises(UserError, match="invalid axes") as caught:
        LayoutSettings.from_config("auto", axes, None)
    assert caught.value.where == "target.axes"


def test_axes_for_layers_that_are_not_described() -> None:
    reading = LayoutSettings.from_config("auto", {"nrm": "BHWU", "relu": "BUHW", "fc": "BU"}, None)
    assert reading.unused(["norm", "relu:0", "fc"]) == ["nrm"]
    assert LayoutSettings.from_config("auto", "BHWU", None).unused(["norm"]) == []


def test_video_is_read_where_its_axes_are_told() -> None:
    class Video(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv3d(3, 5, (1, 4, 4), stride=(1, 4, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(torch.stack([x, 2 * x], 2)).mean((2, 3, 4))

    assert "BUTHW" in str(refusal(Video(), "conv"))
    found = evidence(Video, "video", "conv", axes=(("", "BUTHW"),))
    expected = outputs(Video, "video", "conv")[0].mean((2, 3, 4))
    torch.testing.assert_close(found.activations("conv"), expected, **CLOSE)


def test_a_network_of_one_batch_size_needs_to_be_told() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 5, 4, stride=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x.reshape(4, 3, 16, 16)).mean((2, 3))

    assert "the network fails on a batch [2, 3, 16, 16]" in str(refusal(Fixed(), "conv"))
    found = evidence(Fixed, "fixed", "conv", axes=(("", "BUHW"),), batch_size=4)
    expected = outputs(networks.ChannelsLast, "unused", "conv")[0]
    assert found.activations("conv").shape == (12, 5)
    assert expected.shape == (12, 6, 4, 4)


def test_a_plain_claim_is_checked_when_the_network_runs() -> None:
    class Claims(networks.Given):
        plain_layers = True

    from bench.evidence import EvidenceRequest, Store, gather
    from bench.timing import Timer
    from tests.bench.evidence.tiny import TinyProbe

    def read(build: type[nn.Module], layer: str) -> None:
        target = Claims(build, f"claims {build.__name__}")
        gather(EvidenceRequest(target, [layer], TinyProbe(12)), store=Store(None), timer=Timer())

    read(networks.ChannelsLast, "conv")
    with pytest.raises(LayerError, match="'after' gives a tensor of shape") as caught:
        read(networks.Windows, "after")
    assert caught.value.layer == "after"
    with pytest.raises(LayerError, match="different numbers of units"):
        read(networks.Repeats, "relu")


def test_a_network_for_small_images_is_shown_small_ones() -> None:
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 5, 4, stride=4)
            self.fc = nn.Linear(5 * 8 * 8, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.conv(x).flatten(1))

    loaded = LoadedTarget(Small().eval(), transforms.ToTensor())
    found = find_layouts(loaded, ["conv", "fc"], LayoutSettings())
    assert [found[layer].shape for layer in ("conv", "fc")] == [(0, 5, 8, 8), (0, 4)]


def test_layers_of_a_scripted_network_are_refused_by_name() -> None:
    loaded = LoadedTarget(torch.jit.script(networks.Repeats().eval()), networks.to_input)
    error = find_layouts(loaded, ["first"], LayoutSettings())["first"]
    assert isinstance(error, LayerError)
    assert "'first' is inside a scripted module" in error.what


def test_axes_for_all_layers_do_not_overrule_a_module_that_knows_its_own() -> None:
    network = networks.ChannelsLast()
    error = refusal(network, "conv", axes="BHWU")
    assert "it is a Conv2d of 6, and BHWU was given for all layers" in error.what
    assert error.where == "target.axes"
    assert axes_of(network, "conv", axes={"conv": "BHWU"}) == ["BHWU"]


def test_suggested_axes_count_the_images_where_they_are() -> None:
    class States(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 4, stride=4)
            self.rnn = nn.GRU(8, 16, bidirectional=True, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.rnn(self.conv(x).flatten(2).transpose(1, 2))[0]

    assert "such as TBU or UBT" in refusal(States(), "rnn:1").hint
    assert axes_of(States(), "rnn:1", axes={"rnn:1": "TBU"}) == ["TBU"]


def test_outputs_without_units_are_refused() -> None:
    class Nothing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 6, 4, stride=4)
            self.none, self.one = nn.Identity(), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x).mean((2, 3))
            return self.none(x[:, :0]).sum(1) + self.one(x.sum(1))

    assert "without a unit" in refusal(Nothing(), "none").what
    error = refusal(Nothing(), "one")
    assert "of shape [images]" in error.what
    assert "target.axes" not in error.hint


def test_a_module_that_takes_images_apart() -> None:
    class Each(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 6, 4, stride=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.conv(part) for part in x.split(self.step)]).mean((2, 3))

        step = 1

    assert "all images of a batch at once" in refusal(Each(), "conv").hint

    class Threes(Each):
        step = 3

    with pytest.raises(LayerError, match=r"\[3, 6, 4, 4\] for 12 images") as caught:
        evidence(Threes, "threes", "conv")
    assert "holds all images" in caught.value.hint


def test_messages_show_the_batch_as_it_was() -> None:
    network = networks.ChannelsLast().eval()
    for change, shape, hint in (
        (lambda x: x[:1], "[2, 1, 16, 16]", "takes batches of what its transform returns"),
        (lambda x: x.permute(1, 2, 0), "[2, 16, 16, 3]", "the transform puts channels last"),
    ):
        loaded = LoadedTarget(network, lambda image, c=change: c(networks.to_input(image)))
        error = find_layouts(loaded, ["conv"], LayoutSettings())["conv"]
        assert isinstance(error, LayerError)
        assert f"fails on a batch {shape}" in error.what
        assert hint in error.hint


def test_axes_for_all_layers_leave_vectors_alone() -> None:
    assert axes_of(networks.ChannelsLast(), "norm", "fc", axes="BHWU") == ["BHWU", "BU"]
    assert "which is not BHWU" in str(refusal(networks.ChannelsLast(), "fc", axes={"fc": "BHWU"}))
