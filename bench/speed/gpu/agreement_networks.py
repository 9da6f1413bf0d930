"""What networks, and passes over their maps and masks, give on both devices."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bench.speed.cell_job import Setting, compose_job, make_files, run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from baselines.dissection.upsample import Mode
    from bench.speed.gpu.sizes import Sizes

Found = dict[str, Any]

_CLOSE = 1e-4
"""Largest difference of a network's outputs, as a share of the largest of them."""

_PIXELS = 0.01
"""Part of a segmenter's pixels that may have another label: random weights leave many unclear."""


def comparisons(device: str, sizes: Sizes) -> Mapping[str, Callable[[], Found]]:
    """Every comparison by name."""
    return {
        "thresholds": partial(_thresholds, device, sizes),
        "tally": partial(_tally, device, sizes),
        "tally of up-sampled maps (2020)": partial(_tally_2020, device, sizes),
        "exemplars": partial(_exemplars, device, sizes),
        "sentences": partial(_sentences, device, sizes),
        "sentence priors": partial(_priors, device, sizes),
        "features under masks": partial(_features, device, sizes),
        "segmenter": partial(_segmenter, device, sizes),
        "pooled gather": partial(_gather, device, sizes),
        "labels of CLIP-Dissect, images to labels": partial(_labels, device, sizes),
    }


def _maps_and_masks(device: str, sizes: Sizes) -> Any:
    from bench.speed.dissection_compare import Sizes as DissectionSizes
    from bench.speed.dissection_compare import make_inputs

    images = 4 * sizes.agreement_images
    return make_inputs(DissectionSizes(images, sizes.agreement[1], 56, 7), device)


def _thresholds(device: str, sizes: Sizes) -> Found:
    from baselines.dissection.quantile import unit_quantiles
    from bench.speed.dissection_compare import LEVEL

    found = [unit_quantiles(_maps_and_masks(at, sizes).maps, LEVEL) for at in ("cpu", device)]
    return _equal(*found)


def _tally(device: str, sizes: Sizes) -> Found:
    from baselines.dissection.quantile import unit_quantiles
    from baselines.dissection.tally import tally
    from bench.speed.dissection_compare import LEVEL

    thresholds = unit_quantiles(_maps_and_masks("cpu", sizes).maps, LEVEL)

    def count(at: str) -> NDArray[np.int64]:
        inputs = _maps_and_masks(at, sizes)
        return _counts(tally(inputs.maps, inputs.masks, thresholds))

    return _equal(count("cpu"), count(device))


def _tally_2020(device: str, sizes: Sizes) -> Found:
    from baselines.dissection.planes import Reading
    from baselines.dissection.quantile import unit_quantiles
    from baselines.dissection.tally import tally

    mode: Mode = "zero_pad_grid"

    def count(at: str) -> NDArray[np.int64]:
        inputs = _maps_and_masks(at, sizes)
        size = inputs.masks.mask_size
        thresholds = unit_quantiles(inputs.maps, 0.99, size=size, mode=mode)
        reading = Reading(once=True)
        return _counts(tally(inputs.maps, inputs.masks, thresholds, mode=mode, reading=reading))

    return _equal(count("cpu"), count(device))


def _counts(found: Any) -> NDArray[np.int64]:
    parts = (found.labels, found.both, found.by_category, found.active)
    return np.concatenate([part.ravel() for part in parts])


def _exemplars(device: str, sizes: Sizes) -> Found:
    from baselines.exemplars import select
    from baselines.spatial import ExemplarRule

    def choose(at: str) -> NDArray[Any]:
        maps = _maps_and_masks(at, sizes).maps
        found = select(maps, maps.pool.mean(dim=(2, 3)), ExemplarRule(top_k=5), 56)
        return np.concatenate([found.ids.ravel(), found.masks.ravel().astype(np.int64)])

    return _equal(choose("cpu"), choose(device))


def _equal(ours: NDArray[Any], theirs: NDArray[Any]) -> Found:
    """Numbers that have to be the same to the last bit."""
    differ = int((ours != theirs)[~(np.isnan(ours) & np.isnan(theirs))].sum())
    return {"numbers": int(ours.size), "numbers_differ": differ, "agrees": differ == 0}


def _sentence_inputs(device: str, sizes: Sizes) -> Any:
    from bench.speed.captioning_compare import Sizes as CaptioningSizes
    from bench.speed.captioning_compare import make_inputs

    words = max(sizes.words // 10, 40)
    return make_inputs(CaptioningSizes(sizes.agreement[1], 5, 256, 64, 5, words), device)


def _sentences(device: str, sizes: Sizes) -> Found:
    from baselines.captioning.search import beam

    found = []
    for at in ("cpu", device):
        inputs = _sentence_inputs(at, sizes)
        found.append(beam(inputs.decoder, inputs.features, width=inputs.sizes.beam))
    ours, theirs = found
    clear = ours.log_p[:, 0] - ours.log_p[:, 1] > 1e-3
    same = (ours.tokens[:, 0] == theirs.tokens[:, 0]).all(dim=1)
    gap = float((ours.log_p - theirs.log_p).abs().max())
    differ = int((clear & ~same).sum())
    return {
        "numbers": ours.log_p.numel(),
        "largest_difference": gap,
        "labels": int(clear.sum()),
        "labels_differ": differ,
        "agrees": differ == 0 and gap <= 1e-3,
    }


def _priors(device: str, sizes: Sizes) -> Found:
    from baselines.captioning.search import beam, log_priors

    inputs = _sentence_inputs("cpu", sizes)
    said = beam(inputs.decoder, inputs.features, width=inputs.sizes.beam)
    models = [_sentence_inputs(at, sizes).language_model for at in ("cpu", device)]
    return _near(*(log_priors(said, model) for model in models))


def _features(device: str, sizes: Sizes) -> Found:
    from baselines.captioning.pyramid import Pyramid
    from bench.networks.precision import set_precision
    from bench.parts.captioners.milan_vision import pyramid_layers
    from bench.parts.targets.transform import IMAGENET_MEAN, IMAGENET_STD

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (sizes.agreement_images, 64, 64, 3), dtype=np.uint8)
    found = []
    for at in ("cpu", device):
        module = _network(sizes.captioner).to(at)
        layers = pyramid_layers(sizes.captioner)
        pyramid = Pyramid(module, layers, IMAGENET_MEAN, IMAGENET_STD, 64)
        with set_precision(at):
            maps = pyramid.features(images)
        found.append(torch.cat([each.flatten(1).cpu() for each in maps], dim=1))
    return _near(*found)


def _network(arch: str) -> torch.nn.Module:
    import torchvision

    torch.manual_seed(0)
    module: torch.nn.Module = torchvision.models.get_model(arch, weights=None)
    return module.eval()


def _segmenter(device: str, sizes: Sizes) -> Found:
    from torchvision.models import get_model

    from bench.networks.precision import set_precision
    from bench.parts.segmenters.network import wrap_network
    from bench.speed.gpu.network_files import CLASSES

    side = sizes.segmenter_size
    images = torch.rand(sizes.agreement_images, 3, side, side, generator=_seeded())
    found = []
    for at in ("cpu", device):
        torch.manual_seed(0)
        module = get_model(
            sizes.segmenter, weights=None, weights_backbone=None, num_classes=CLASSES
        )
        loaded = wrap_network(
            module, partial(_logits, module), lambda image: image, [range(CLASSES)], (56, 56),
            device=at, precision="float32",
        )  # fmt: skip
        with set_precision(at):
            found.append(loaded.segment(images).cpu())
    differ = float((found[0] != found[1]).float().mean())
    return {
        "numbers": found[0].numel(),
        "numbers_differ": int((found[0] != found[1]).sum()),
        "agrees": differ <= _PIXELS,
    }


def _logits(module: torch.nn.Module, batch: Tensor) -> list[Tensor]:
    return [module(batch)["out"]]


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _gather(device: str, sizes: Sizes) -> Found:
    """Pooled activations and image embeddings of one pass over JPEG files."""
    from bench.evidence import EvidenceRequest, Store, gather
    from bench.networks.execution import Execution
    from bench.networks.layout import LayoutSettings
    from bench.run.selection import build_selection
    from bench.timing import Timer

    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files, setting = _files(folder, sizes)
        parts = build_selection(compose_job(files, setting(device), folder / "results").config)
        found = []
        for at in ("cpu", device):
            request = EvidenceRequest(
                parts.target, parts.layers, parts.probe, parts.encoder, LayoutSettings("avg"),
                Execution(at, sizes.batch_size, progress=False),
            )  # fmt: skip
            gathered = gather(request, store=Store(None), timer=Timer(at))
            embeddings = gathered.image_embeddings()
            assert embeddings is not None
            tables = [*(gathered.activations(layer) for layer in parts.layers), embeddings]
            found.append([table / table.abs().max() for table in tables])
    return _near(*(torch.cat([table.flatten() for table in each]) for each in found))


def _labels(device: str, sizes: Sizes) -> Found:
    from bench.speed.cell_job import read_labels

    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        folder = Path(name)
        files, setting = _files(folder, sizes)
        found = []
        for at in dict.fromkeys(("cpu", device)):
            job = compose_job(files, setting(at), folder / at.replace(":", "-"))
            run_job(job)
            found.append([label for layer in read_labels(job) for label in layer])
    differ = sum(one != other for one, other in zip(found[0], found[-1], strict=True))
    # Random networks leave many labels unclear: counted, and judged by the rows of the functions.
    return {"numbers": len(found[0]), "numbers_differ": differ, "agrees": None}


def _files(folder: Path, sizes: Sizes) -> tuple[Any, Callable[[str], Setting]]:
    images = sizes.agreement_images
    arch = sizes.networks[0]
    files = make_files(folder, arch, sizes.encoder, images=images, concepts=20)

    def setting(device: str) -> Setting:
        layers = sizes.method_layers
        return Setting("clip_dissect", arch, layers, sizes.encoder, images, device, 16, 2)

    return files, setting


def _near(ours: Tensor, theirs: Tensor) -> Found:
    """Outputs of a network, whose sums are added up in another order on another device."""
    gap = (ours - theirs).abs().max()
    relative = float(gap / ours.abs().max().clamp(min=1e-12))
    return {
        "numbers": ours.numel(),
        "largest_difference": float(gap),
        "relative_difference": relative,
        "agrees": relative <= _CLOSE,
    }
