"""Write random weights of a segmenter and a captioner, and the overrides that choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.speed.job_files import make_network

if TYPE_CHECKING:
    from pathlib import Path

    from bench.speed.gpu.sizes import Sizes

METHODS = ("clip_dissect", "netdissect", "netdissect2020", "compositional", "milan", "milan_clip")
"""Methods to run; the slowest comes last."""

CLASSES = 21
"""Classes of torchvision's segmenters: PASCAL VOC's and the background."""


def method_overrides(folder: Path, sizes: Sizes) -> dict[str, tuple[str, ...]]:
    """Write the files that methods need besides target and encoder, and return overrides by method.

    Args:
        folder: Where to write the files.
        sizes: Architectures and sizes.
    """
    from bench.parts.catalog import METHODS as REGISTERED

    parts = (
        *segmenter_overrides(folder, sizes.segmenter, sizes.segmenter_size),
        *captioner_overrides(folder, sizes.captioner, sizes.words),
    )
    beam = (f"method.params.beam={sizes.beam}",)
    return {
        method: parts + (beam if "captioner" in REGISTERED.get(method).needs else ())
        for method in METHODS
    }


def segmenter_overrides(folder: Path, arch: str, size: int) -> tuple[str, ...]:
    """Write a torchvision segmenter of input size x size that sees whole images, as masks do."""
    import torch
    import torchvision

    torch.manual_seed(0)
    module = torchvision.models.get_model(
        arch, weights=None, weights_backbone=None, num_classes=CLASSES
    )
    file = folder / "segmenter.pth"
    torch.save(module.state_dict(), file)
    return (
        "segmenter=torchvision",
        f"segmenter.params.arch={arch}",
        f"segmenter.params.file={file}",
        "segmenter.params.crop=1.0",
        f"segmenter.params.input_size={size}",
    )


def captioner_overrides(folder: Path, arch: str, words: int) -> tuple[str, ...]:
    """Write a decoder and a language model of MILAN's sizes, and their torchvision network."""
    import torch

    from baselines.captioning.decoder import Decoder, DecoderConfig
    from baselines.captioning.language_model import LanguageModel, LanguageModelConfig
    from baselines.captioning.model_file import save_captioner
    from baselines.captioning.vocabulary import Vocabulary
    from bench.parts.captioners.milan_vision import load_pyramid
    from bench.parts.targets import TorchvisionTarget

    network = make_network(folder / f"{arch}.pth", arch)
    pyramid = load_pyramid(TorchvisionTarget(arch, file=str(network)))
    vocabulary = Vocabulary(tuple(f"word{number}" for number in range(words)))
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig(len(vocabulary), pyramid.feature_size)).eval()
    model = LanguageModel(LanguageModelConfig(len(vocabulary))).eval()
    file = folder / "captioner.safetensors"
    save_captioner(file, decoder, model, vocabulary, {"weights": "random"})
    return (
        "captioner=milan",
        f"captioner.params.file={file}",
        f"captioner.params.arch={arch}",
        f"captioner.params.vision_file={network}",
    )
