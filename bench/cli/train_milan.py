"""Train a MILAN decoder on annotations from disk."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.files import check_writable, writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LOG = logging.getLogger(__name__)


def train_on_annotations(
    annotations: Path,
    sources: Sequence[str],
    *,
    images: Path | None,
    arch: str,
    weights: str,
    vision_file: str,
    epochs: int,
    seed: int,
    device: str,
    out: Path,
) -> None:
    """Train a decoder and a language model on MILANNOTATIONS, and write them to one file.

    Args:
        annotations: Root of the published folder layout.
        sources: Networks whose units to train on, such as "resnet152/imagenet".
        images: ImageNet's images, for sources whose exemplars are stored without pixels.
        arch: torchvision's name of the network that looks at the images.
        weights: torchvision's name of its weights.
        vision_file: A state dict of it, instead of `weights`.
        epochs: Maximum number of epochs of either model.
        seed: Seed of weights and splits.
        device: "auto", "cpu", "cuda".
        out: The file (.safetensors).

    Raises:
        UserError: Something is missing from the annotations, the network's weights are not given,
            or the folder of `out` does not exist.
    """
    from dataclasses import replace

    import torch

    from baselines.captioning.model_file import save_captioner
    from bench.milan.milannotations import read_milannotations
    from bench.milan.train import Plan, samples_of, train_models
    from bench.parts.captioners.milan_vision import load_pyramid, vision_fingerprint
    from bench.parts.targets import TorchvisionTarget

    if not out.resolve().parent.is_dir():
        raise UserError(f"folder not found: {out.parent}", where="--out", hint="make it first")
    check_writable(out.resolve().parent, "--out")
    vision = TorchvisionTarget(arch, weights=weights, file=vision_file)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    units = read_milannotations(annotations, sources, images=images)
    pyramid = load_pyramid(vision).to(device)
    samples = samples_of(units, pyramid)
    plan = Plan(seed=seed)
    plan = replace(
        plan,
        decoder=replace(plan.decoder, epochs=epochs, seed=seed),
        language=replace(plan.language, epochs=epochs, seed=seed),
    )
    trained = train_models(samples, plan, device=device)
    info = {"looks_through": dict(vision_fingerprint(vision)), **trained.record}
    with writing(out, "--out"):
        save_captioner(out, trained.decoder, trained.language, trained.vocabulary, info)
    _LOG.info("written: %s", out)
