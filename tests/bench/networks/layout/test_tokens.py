"""Tokens: which show patches, which is the class token, and how they are pooled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from bench.errors import LayerError
from tests.bench.networks.layout.networks import Tokens, evidence, layouts, outputs

if TYPE_CHECKING:
    from bench.networks.layout import Layout

CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def one(network: nn.Module, layer: str = "block", **reading: object) -> Layout | LayerError:
    [found] = layouts(network, layer, **reading).values()
    return found


KINDS = {
    "patches": ({}, 0, {"auto": "avg"}),
    "class": ({"cls": 1}, 1, {"auto": "cls", "cls": "cls"}),
    "torchvision's name": ({"cls": 1, "names": "class_token"}, 1, {"auto": "cls"}),
    "CLIP's name": ({"cls": 1, "names": "class_embedding"}, 1, {"auto": "cls"}),
    "class and registers": ({"cls": 1, "registers": 3}, 4, {"auto": "cls"}),
    "registers": ({"registers": 3}, 3, {"auto": "avg"}),
}


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("kind", "prefix", "modes"), KINDS.values(), ids=KINDS)
def test_pooled_values(
    kind: dict[str, object], prefix: int, modes: dict[str, str], first: bool
) -> None:
    names = {"cls": kind["names"]} if "names" in kind else {}
    counts = {key: value for key, value in kind.items() if key != "names"}
    build = partial(_tokens, first, counts, names)
    name = f"{first} {kind}"
    tokens = outputs(build, name, "block")[0]
    tokens = tokens.transpose(0, 1) if first else tokens
    expected = {
        "cls": tokens[:, 0],
        "avg": tokens[:, prefix:].mean(1),
        "max": tokens[:, prefix:].amax(1),
    }
    for asked, means in {**modes, "avg": "avg", "max": "max"}.items():
        found = evidence(build, name, "block", pooling=asked, maps=True)
        layout = found.layouts["block"]
        assert (layout.pooling, layout.prefix_tokens) == (means, prefix)
        torch.testing.assert_close(found.activations("block"), expected[means], **CLOSE)
        [maps] = found.maps("block").batches()
        torch.testing.assert_close(maps[:, :, 0, 0], expected[means], **CLOSE)


def _tokens(first: bool, counts: dict[str, int], names: dict[str, str]) -> nn.Module:
    return Tokens(first, **counts, class_name=names.get("cls", "cls_token"))


def test_a_class_token_is_refused_where_there_is_none() -> None:
    for network in (Tokens(), Tokens(registers=2)):
        error = one(network, pooling="cls")
        assert isinstance(error, LayerError)
        assert error.where == "target.pooling"
        assert "without a class token" in error.what
    assert "registers" in str(one(Tokens(registers=2), pooling="cls"))
    maps = one(Tokens(cls=1), "patch", pooling="cls")
    assert "which have no class token" in str(maps)
    assert one(Tokens(cls=1), "fc", pooling="cls").axes == "BU"


def test_a_layer_before_the_class_token_joins_is_all_patches() -> None:
    class Late(Tokens):
        """As CaiT: a block over patches alone, then one with the class token."""

        def __init__(self) -> None:
            super().__init__(cls=1)
            self.before = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.before(self.patch(x).flatten(2).transpose(1, 2))
            return self.block(torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1))[:, 0]

    network = Late()
    assert (one(network, "before").pooling, one(network, "before").prefix_tokens) == ("avg", 0)
    assert (one(network).pooling, one(network).prefix_tokens) == ("cls", 1)


def test_a_class_token_of_an_unknown_name_is_seen_and_asked_for() -> None:
    class Unnamed(Tokens):
        def __init__(self) -> None:
            super().__init__()
            self.learned = nn.Parameter(torch.randn(1, 1, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.patch(x).flatten(2).transpose(1, 2)
            return self.block(self.drop(torch.cat([self.learned.expand(len(x), -1, -1), x], 1)))

    error = one(Unnamed())
    assert isinstance(error, LayerError)
    assert "17 tokens, 1 of them the same for all images" in error.what
    assert error.where == "target.pooling"
    assert one(Unnamed(), pooling="cls").class_token
    assert one(Unnamed(), pooling="avg").prefix_tokens == 1
    assert one(Unnamed(), prefix_tokens=1).pooling == "avg"


def test_tokens_that_are_neither_patches_nor_prefix_are_asked_for() -> None:
    class Pruned(Tokens):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.block(self.patch(x).flatten(2).transpose(1, 2))
            own = self.cls_token.expand(len(x), -1, -1)
            return self.block(self.drop(torch.cat([own, x], 1)))[:, :9]

    class Keeps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Pruned(cls=1)
            self.norm = nn.LayerNorm(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.inner(x))

    error = one(Keeps(), "norm")
    assert isinstance(error, LayerError)
    assert "9 tokens: neither the patches" in error.what
    assert "target.prefix_tokens" in error.hint
    assert one(Keeps(), "norm", prefix_tokens=1).pooling == "cls"


def test_registers_that_are_still_zero_are_left_out_as_declared() -> None:
    network = Tokens(cls=1, registers=3)
    nn.init.zeros_(network.register_tokens)
    assert (one(network).pooling, one(network).prefix_tokens) == ("cls", 4)
    nn.init.zeros_(network.cls_token)
    assert (one(network).pooling, one(network).prefix_tokens) == ("cls", 4)


def test_a_class_token_at_the_end_is_not_taken_for_a_patch() -> None:
    class Last(Tokens):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.patch(x).flatten(2).transpose(1, 2)
            return self.block(self.drop(torch.cat([x, self.cls_token.expand(len(x), -1, -1)], 1)))

    error = one(Last(cls=1))
    assert isinstance(error, LayerError)
    assert "not the first ones" in error.what


def test_a_number_of_tokens_that_depends_on_the_images() -> None:
    class Pruned(nn.Module):
        """Gives `few` tokens of batches below four images, else five less `few`."""

        def __init__(self, few: int) -> None:
            super().__init__()
            self.patch = nn.Conv2d(3, 8, 4, stride=4)
            self.keep = nn.Identity()
            self.few = few

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.patch(x).flatten(2).transpose(1, 2)
            return self.keep(x[:, : self.few if len(x) < 4 else 5 - self.few]).mean(1)

    build = partial(Pruned, 4)
    axes = (("", "BTU"),)
    found = evidence(build, "pruned 4", "keep", axes=axes, n=11, batch_size=8)
    one = outputs(build, "pruned 4", "keep", n=8)[0]
    assert one.shape == (8, 1, 8)
    torch.testing.assert_close(found.activations("keep")[:8], one[:, 0], **CLOSE)
    assert found.activations("keep").shape == (11, 8)
    with pytest.raises(LayerError, match="4 tokens for these images, and one for synthetic"):
        evidence(partial(Pruned, 1), "pruned 1", "keep", axes=axes)


def test_a_class_token_that_nothing_was_mixed_into_is_refused() -> None:
    build = partial(Tokens, cls=1)
    with pytest.raises(LayerError, match="equal for all 12 images") as caught:
        evidence(build, "not mixed", "drop")
    assert (caught.value.layer, caught.value.where) == ("drop", "target.pooling")
    patches = evidence(build, "not mixed", "drop", pooling="avg")
    expected = outputs(build, "not mixed", "drop")[0][:, 1:].mean(1)
    torch.testing.assert_close(patches.activations("drop"), expected, **CLOSE)
    with pytest.raises(LayerError, match="equal for all 12 images"):
        evidence(build, "not mixed", "drop", batch_size=1)
