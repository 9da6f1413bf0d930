"""Small networks whose layers have axes, tokens, calls and outputs of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from bench.evidence import EvidenceRequest, Store, gather
from bench.networks.execution import Execution
from bench.networks.layout import LayoutSettings
from bench.networks.layout.find import find_layouts
from bench.networks.loaded import LoadedTarget
from bench.timing import Timer
from tests.bench.evidence.tiny import TinyProbe

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.errors import LayerError
    from bench.evidence import ProbeEvidence
    from bench.networks.layout import Layout

SIDE = 16
"""Side of the networks' input."""


def to_input(image):
    """A tensor [3, 16, 16] of values in 0..1."""
    import numpy as np

    small = image.resize((SIDE, SIDE))
    return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255).permute(2, 0, 1)


class ChannelsLast(nn.Module):
    """[B, H, W, C] between a convolution and the head."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = nn.LayerNorm(6)
        self.act = nn.GELU()
        self.back = nn.Identity()
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x).permute(0, 2, 3, 1)))
        return self.fc(self.back(x.permute(0, 3, 1, 2)).mean((2, 3)))


class NormSubclass(nn.LayerNorm):
    """Over axis 1, as the LayerNorm2d of torchvision and timm."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ChannelsFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = NormSubclass(6)

    def forward(self, x):
        return self.norm(self.conv(x))


class Tokens(nn.Module):
    """A transformer over patches, in any order of axes, with or without tokens before them."""

    def __init__(self, first=False, cls=0, registers=0, class_name="cls_token"):
        super().__init__()
        self.first = first
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.drop = nn.Dropout(0.0)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=not first)
        self.fc = nn.Linear(8, 5)
        counts = {class_name: cls, "register_tokens": registers}
        self.names = [name for name, count in counts.items() if count]
        for name in self.names:
            self.register_parameter(name, nn.Parameter(torch.randn(1, counts[name], 8)))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        own = [getattr(self, name).expand(len(x), -1, -1) for name in self.names]
        x = self.drop(torch.cat([*own, x], 1))
        x = self.block(x.transpose(0, 1)).transpose(0, 1) if self.first else self.block(x)
        return self.fc(x[:, 0])


class TokenMixing(nn.Module):
    """Linear layers over tokens, in a block whose output has its channels last."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.mix = nn.Sequential()
        self.mix.add_module("tokens", Transposed(16))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.mix(self.patch(x).flatten(2).transpose(1, 2)).mean(1))


class Transposed(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.fc = nn.Linear(tokens, tokens)

    def forward(self, x):
        return self.fc(x.transpose(1, 2)).transpose(1, 2)


class Windows(nn.Module):
    """Four windows of an image, each on its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.inside = nn.Linear(6, 6)
        self.after = nn.Identity()

    def forward(self, x):
        x = self.conv(x).flatten(2).transpose(1, 2)
        x = self.inside(x.reshape(-1, 4, 6)).reshape(len(x), 16, 6)
        return self.after(x)


class Repeats(nn.Module):
    """One activation after each layer; `same` gives all of them six channels."""

    def __init__(self, same=False):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 4, stride=4)
        self.second = nn.Conv2d(6, 6 if same else 7, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.second(self.relu(self.first(x))))


class Autoencoder(nn.Module):
    """Gives its reconstruction and its latents, by position or by name."""

    def __init__(self, named=False):
        super().__init__()
        self.named = named
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.sae = Latents(named)

    def forward(self, x):
        out = self.sae(self.conv(x).mean((2, 3)))
        return out["reconstruction"] if self.named else out[0]


class Latents(nn.Module):
    def __init__(self, named):
        super().__init__()
        self.named = named
        self.encode = nn.Linear(6, 9)
        self.decode = nn.Linear(9, 6)

    def forward(self, x):
        latents = torch.relu(self.encode(x))
        out = self.decode(latents)
        return {"reconstruction": out, "latents": latents} if self.named else (out, latents)


class Tied(nn.Module):
    """One module under two names, which runs under both."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.again = self.conv

    def forward(self, x):
        return self.again(self.conv(x)).mean((2, 3))


class Flattens(nn.Module):
    """`view` after maps, which another memory format breaks; and a write in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 4, stride=4)
        self.register_buffer("seen", torch.zeros(6))
        self.fc = nn.Linear(96, 5)

    def forward(self, x):
        x = self.conv(x)
        return self.fc(x.view(x.size(0), -1))


@dataclass(frozen=True)
class Given:
    """A target whose network a function builds, the same each time."""

    summary: ClassVar[str] = "test"
    build: Callable[[], nn.Module]
    name: str

    def fingerprint(self):
        return {"name": self.name}

    def load(self, device):
        torch.manual_seed(1)
        return LoadedTarget(self.build().eval().requires_grad_(False), to_input)


def layouts(network: nn.Module, *layers: str, **reading) -> dict[str, Layout | LayerError]:
    """How the layers are found to be read."""
    asked = LayoutSettings.from_config(*(reading.get(k, v) for k, v in DEFAULTS.items()))
    return find_layouts(LoadedTarget(network.eval(), to_input), layers, asked)


DEFAULTS = {"pooling": "auto", "axes": "", "prefix_tokens": None}


def evidence(
    build: Callable[[], nn.Module], name: str, *layers: str, n=12, **options
) -> ProbeEvidence:
    """What is gathered on 12 images."""
    pooling = options.pop("pooling", "auto")
    maps = options.pop("maps", False)
    store = options.pop("store", None) or Store(None)
    settings = {key: options.pop(key) for key in ("axes", "prefix_tokens") if key in options}
    request = EvidenceRequest(
        Given(build, name), layers, TinyProbe(n), layout=LayoutSettings(pooling, **settings),
        execution=Execution(progress=False, **options), maps=maps,
    )  # fmt: skip
    return gather(request, store=store, timer=Timer())


def outputs(build: Callable[[], nn.Module], name: str, layer: str, n=12):
    """Outputs of a layer's calls on the same images, by a hook of the test's own."""
    network = Given(build, name).load("cpu").module
    kept = []
    network.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out))
    with torch.no_grad():
        network(torch.stack([to_input(TinyProbe().image(i)) for i in range(n)]))
    return kept
