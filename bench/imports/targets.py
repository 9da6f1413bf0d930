"""Networks of imported labels: units of their layers, and the truth of the last layer.

These facts suffice to score labels without weights or images. Widths are those of the papers (He et
al., CVPR 2016, table 1; Dosovitskiy et al., ICLR 2021, table 1), layers have torchvision's names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = {"imagenet": 1000, "places365": 365}
"""Numbers of classes by data set, which is also the name of the truth."""

_STEM = {"conv1": 64}
_BASIC = {"layer1": 64, "layer2": 128, "layer3": 256, "layer4": 512}
_BOTTLENECK = {"layer1": 256, "layer2": 512, "layer3": 1024, "layer4": 2048}


@dataclass(frozen=True)
class Layer:
    """A layer of a network.

    Attributes:
        units: Number of units.
        truth: Registered name of their truth; "none" for a hidden layer.
    """

    units: int
    truth: str = "none"


@dataclass(frozen=True)
class NamedTarget:
    """A network that is known by name.

    Attributes:
        name: The name of the network, such as resnet50_imagenet.
        layers: Its layers by torchvision's module path, in order.
    """

    name: str
    layers: Mapping[str, Layer] = field(default_factory=dict)

    def layer(self, name: str) -> Layer:
        """Return one of its layers.

        Raises:
            UserError: The layer is not listed.
        """
        if name not in self.layers:
            raise UserError(
                f"layer {name!r} of {self.name} is not listed",
                where="layer",
                valid=nearest(name, self.layers),
                hint=f"give one of {', '.join(self.layers)}, or the layer's number of units",
            )
        return self.layers[name]


def _resnet(data: str, hidden: Mapping[str, int]) -> dict[str, Layer]:
    layers = {name: Layer(units) for name, units in (_STEM | dict(hidden)).items()}
    return layers | {"fc": Layer(CLASSES[data], data)}


def _list_targets() -> dict[str, NamedTarget]:
    layers = {}
    for depth, hidden in (
        (18, _BASIC), (34, _BASIC), (50, _BOTTLENECK), (101, _BOTTLENECK), (152, _BOTTLENECK),
    ):  # fmt: skip
        layers[f"resnet{depth}_imagenet"] = _resnet("imagenet", hidden)
        if depth in (18, 50):
            layers[f"resnet{depth}_places365"] = _resnet("places365", hidden)
    head = Layer(CLASSES["imagenet"], "imagenet")
    layers["vit_b_16_imagenet"] = {"encoder.ln": Layer(768), "heads": head, "heads.head": head}
    return {name: NamedTarget(name, own) for name, own in sorted(layers.items())}


TARGETS = _list_targets()


def find_layer(target: str, layer: str, units: int | None) -> Layer:
    """Return a layer of a network.

    Args:
        target: Name of the network; any name if `units` is given.
        layer: Name of the layer.
        units: The number of units from the user; None to look it up.

    Returns:
        The layer; without a truth if it is not listed.

    Raises:
        UserError: Network or layer is not listed, or has another number of units.
    """
    network = TARGETS.get(target)
    listed = network.layers.get(layer) if network else None
    if listed and units not in (None, listed.units):
        raise UserError(
            f"layer {layer} of {target} has {listed.units} units, not {units}",
            where="units",
            hint="leave the number of units out",
        )
    if listed:
        return listed
    if units is not None:
        return Layer(units)
    if network:
        return network.layer(layer)
    raise UserError(
        f"unknown target {target!r}",
        where="target",
        valid=nearest(target, TARGETS),
        hint=f"one of {', '.join(TARGETS)}; or any name with the number of units and a truth: "
        "target.truth.name=class_list target.truth.params.path=classes.txt",
    )
