"""Write random weights of a segmenter and a captioner, and the overrides that choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torchvision.models import get_model

from baselines.captioning.decoder import Decoder, DecoderConfig
from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
from baselines.captioning.model_file import save_captioner
from baselines.captioning.vocabulary import Vocabulary
from bench.parts.captioners.milan_vision import load_pyramid
from bench.parts.catalog import METHODS as REGISTERED
from bench.parts.targets import TorchvisionTarget
from bench.speed.jobs import make_network

if TYPE_CHECKING:
    from pathlib import Path

    from bench.speed.gpu.sizes import Sizes

METHODS = ("clip_dissect", "netdissect", "netdissect2020", "compositional", "milan", "milan_clip")
"""Methods to run; the slowest comes last."""

CLASSES = 21
"""Classes of torchvision's segmenters: PASCAL VOC's and the background."""


def method_overrides(folder: Path, sizes: Sizes) -> dict[str, tuple[str, ...]]:
    """Write the files that methods need besides target and encoder; return overrides by method."""
    segmenter, captioner = folder / "segmenter.pth", folder / "captioner.safetensors"
    torch.save(random_segmenter(sizes).state_dict(), segmenter)
    network = make_network(folder / f"{sizes.captioner}.pth", sizes.captioner)
    pyramid = load_pyramid(TorchvisionTarget(sizes.captioner, file=str(network)))
    vocabulary = Vocabulary(tuple(f"word{number}" for number in range(sizes.words)))
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig(len(vocabulary), pyramid.feature_size)).eval()
    model = LanguageModel(LanguageModelConfig(len(vocabulary))).eval()
    save_captioner(captioner, decoder, model, vocabulary, {"weights": "random"})
    parts = (
        "segmenter=torchvision",
        f"segmenter.params.arch={sizes.segmenter}",
        f"segmenter.params.file={segmenter}",
        "segmenter.params.crop=1.0",  # whole images, as masks
        f"segmenter.params.input_size={sizes.segmenter_size}",
        "captioner=milan",
        f"captioner.params.file={captioner}",
        f"captioner.params.arch={sizes.captioner}",
        f"captioner.params.vision_file={network}",
    )
    beam = (f"method.params.beam={sizes.beam}",)
    return {
        method: parts + (beam if "captioner" in REGISTERED.get(method).needs else ())
        for method in METHODS
    }


def random_segmenter(sizes: Sizes) -> torch.nn.Module:
    """Return a torchvision segmenter with random weights."""
    torch.manual_seed(0)
    module: torch.nn.Module = get_model(
        sizes.segmenter, weights=None, weights_backbone=None, num_classes=CLASSES
    )
    return module
