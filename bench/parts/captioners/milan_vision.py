"""Networks of torchvision that give the features of MILAN's decoders.

METHODS: conv1 before its normalisation and the four stages of a ResNet; the five convolutions of
AlexNet (Hernandez et al., ICLR 2022, appendix).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.parts.targets.transform import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    from baselines.captioning.pyramid import Pyramid
    from bench.parts.protocols import Fingerprint
    from bench.parts.targets.torchvision_models import TorchvisionTarget

IMAGE_SIZE = 224
_ALEXNET = ("features.0", "features.3", "features.6", "features.8", "features.10")
_RESNET = ("conv1", "layer1", "layer2", "layer3", "layer4")


def pyramid_layers(arch: str) -> tuple[str, ...]:
    """Return the layers of an architecture whose features are used.

    Raises:
        UserError: MILAN does not define them.
    """
    if arch == "alexnet":
        return _ALEXNET
    if arch.startswith(("resnet", "resnext", "wide_resnet")):
        return _RESNET
    raise UserError(
        f"the layers of {arch!r} for MILAN are not defined",
        where="captioner.params.arch",
        hint="choose a ResNet of torchvision, or alexnet",
    )


def vision_fingerprint(network: TorchvisionTarget) -> Fingerprint:
    """Return architecture, weights, layers and image size."""
    own = network.fingerprint()
    return {
        "arch": own["arch"],
        "weights": own["weights"],
        "layers": list(pyramid_layers(network.arch)),
        "image_size": IMAGE_SIZE,
    }


def load_pyramid(network: TorchvisionTarget) -> Pyramid:
    """Build the network and read its weights.

    Raises:
        UserError: No such architecture or weights, or a file that does not fit.
    """
    from baselines.captioning.pyramid import Pyramid

    layers = pyramid_layers(network.arch)
    return Pyramid(network.load("cpu").module, layers, IMAGENET_MEAN, IMAGENET_STD, IMAGE_SIZE)
