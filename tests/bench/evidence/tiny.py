"""A network, an encoder and images so small that every value can be checked."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from bench.errors import UserError
from bench.evidence import EvidenceRequest, gather
from bench.evidence.layouts import layouts_of
from bench.networks.execution import Execution
from bench.networks.layout import LayoutSettings
from bench.networks.loaded import LoadedTarget
from bench.parts.protocols import LoadedEncoder
from bench.timing import Timer

COUNTS = {"target": 0, "encoder": 0, "image": 0, "seen": 0}


class Net(torch.nn.Module):
    """Convolutions, tokens and vectors, an in-place activation and a module that never runs."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 5, 3, stride=2)
        self.relu = torch.nn.ReLU(inplace=True)
        self.tokens = torch.nn.Identity()
        self.head = torch.nn.Linear(5, 4)
        self.idle = torch.nn.Linear(2, 2)
        self.cube = torch.nn.Identity()

    def forward(self, images):
        COUNTS["seen"] += len(images)
        maps = self.relu(self.conv(images))
        self.cube(maps[:, None])
        tokens = self.tokens(maps.flatten(2).transpose(1, 2))
        return self.head(tokens.mean(1))


def to_tensor(image):
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)


@dataclass(frozen=True)
class TinyTarget:
    summary: ClassVar[str] = "test"
    weights: str | None = "w"

    def fingerprint(self):
        return {"weights": self.weights}

    def load(self, device):
        COUNTS["target"] += 1
        torch.manual_seed(3)
        return LoadedTarget(Net().eval(), to_tensor)


@dataclass(frozen=True)
class TinyEncoder:
    summary: ClassVar[str] = "test"
    name: str = "e"

    def fingerprint(self):
        return {"weights": self.name, "text_tower": self.name, "templates": ["{}"]}

    def load(self, device):
        COUNTS["encoder"] += 1
        torch.manual_seed(4)
        tower = torch.nn.Linear(3, 6)

        return LoadedEncoder(
            lambda image: to_tensor(image)[:, :2, :2],
            lambda images: tower(images.mean(dim=(2, 3))).detach(),
            lambda texts: torch.zeros(len(texts), 6),
        )


@dataclass(frozen=True)
class TinyProbe:
    summary: ClassVar[str] = "test"
    n: int = 30
    broken: frozenset = field(default_factory=frozenset)

    def __len__(self):
        return self.n

    def fingerprint(self):
        return {"kind": "tiny", "n": self.n}

    def image(self, index):
        if index in self.broken:
            raise UserError("broken image")
        COUNTS["image"] += 1
        draw = np.random.default_rng(index)
        return Image.fromarray(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8))


def find_tiny_layouts():
    """What is found once for a fingerprint is found here: tests count what comes after it."""
    for pooling in ("auto", "avg", "max"):
        layouts_of(TinyTarget(), ["conv", "relu", "tokens", "head"], LayoutSettings(pooling), None)


def request(layers=("conv", "tokens", "head"), pooling="avg", probe=None, **options):
    """A request for the tiny network, with fields of `Execution` among the options."""
    names = [field.name for field in fields(Execution) if field.name in options]
    options["execution"] = Execution(**{name: options.pop(name) for name in names})
    options.setdefault("encoder", TinyEncoder())
    target = options.pop("target", TinyTarget())
    layout = LayoutSettings(pooling)
    return EvidenceRequest(target, layers, probe or TinyProbe(), layout=layout, **options)


def run(store, layers=("conv", "tokens", "head"), pooling="avg", probe=None, **options):
    return gather(request(layers, pooling, probe, **options), store=store, timer=Timer())


def direct(layer, pooling):
    torch.manual_seed(3)
    net = Net().eval()
    kept = {}

    def keep(_module, _inputs, output):
        kept["out"] = output.detach().clone()

    dict(net.named_modules())[layer].register_forward_hook(keep)
    net(torch.stack([to_tensor(TinyProbe().image(i)) for i in range(30)]))
    out = kept["out"]
    if out.ndim == 4:
        return out.mean(dim=(2, 3)) if pooling == "avg" else out.amax(dim=(2, 3))
    if out.ndim == 3:
        return out.mean(dim=1) if pooling == "avg" else out.amax(dim=1)
    return out
