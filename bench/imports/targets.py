"""Networks that imported labels can be about: their layers' units and the truth of the last one.

Facts only, so that labels are scored without weights or images: widths from the papers (He et al.,
CVPR 2016, table 1; Dosovitskiy et al., ICLR 2021, table 1), layers under torchvision's names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = {"imagenet": 1000, "places365": 365}
"""Classes by data set; also the names of the truths."""

_STEM = {"conv1": 64}
_BASIC = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
_BOTTLENECK = {"layer1": 256, "layer2": 512, "layer3": 1024, "layer4": 2048}


@dataclass(frozen=True)
class Layer:
    """A layer of a network.

    Attributes:
        units: How many it has.
        truth: Registered name of the truth that names them; "none" for a hidden layer.
    """

    units: int
    truth: str = "none"


@dataclass(frozen=True)
class KnownTarget:
    """A network by name.

    Attributes:
        name: As in `--target`.
        layers: Its layers by torchvision's module path, in their order.
    """

    name: str
    layers: Mapping[str, Layer] = field(default_factory=dict)

    def layer(self, name: str) -> Layer:
        """One of its layers.

        Raises:
            UserError: It is not among those known.
        """
        if name not in self.layers:
            raise UserError(
                f"{self.name} has no layer {name!r} that is known here",
                where="--layer",
                valid=nearest(name, self.layers) or tuple(self.layers),
                hint=f"give one of {', '.join(self.layers)}, or its number of units: --units N",
            )
        return self.layers[name]


def _resnet(data: str, hidden: Mapping[str, int]) -> dict[str, Layer]:
    layers = {name: Layer(units) for name, units in (_STEM | dict(hidden)).items()}
    return layers | {"fc": Layer(CLASSES[data], data)}


def _known() -> dict[str, KnownTarget]:
    found = {}
    for depth, hidden in (
        (18, _BASIC), (34, _BASIC), (50, _BOTTLENECK), (101, _BOTTLENECK), (152, _BOTTLENECK),
    ):  # fmt: skip
        found[f"resnet{depth}_imagenet"] = _resnet("imagenet", hidden)
        if depth in (18, 50):
            found[f"resnet{depth}_places365"] = _resnet("places365", hidden)
    head = Layer(CLASSES["imagenet"], "imagenet")
    found["vit_b_16_imagenet"] = {"encoder.ln": Layer(768), "heads": head, "heads.head": head}
    return {name: KnownTarget(name, layers) for name, layers in sorted(found.items())}


TARGETS = _known()


def find_layer(target: str, layer: str, units: int | None) -> Layer:
    """What is known of a layer.

    Args:
        target: Name of the network.
        layer: Name of the layer.
        units: Its number of units as the user gives it; None to look it up.

    Returns:
        The layer; where the user gives the number of units, of a network of any name, without a
        truth unless the layer is known with as many.

    Raises:
        UserError: Network or layer is not known, or known with another number of units.
    """
    known = TARGETS.get(target)
    listed = known.layers.get(layer) if known else None
    if listed and units not in (None, listed.units):
        raise UserError(
            f"layer {layer} of {target} has {listed.units} units, not {units}",
            where="--units",
            hint="leave --units out",
        )
    if listed:
        return listed
    if units is not None:
        return Layer(units)
    if known:
        return known.layer(layer)
    raise UserError(
        f"unknown target {target!r}",
        where="--target",
        valid=nearest(target, TARGETS),
        hint=f"one of {', '.join(TARGETS)}; or any name with --units N and a truth: "
        "target.truth.name=class_list target.truth.params.path=classes.txt",
    )
