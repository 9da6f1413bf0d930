"""Compute the same results on any device: networks, and passes over maps and masks."""

from __future__ import annotations

import tempfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from baselines.captioning.search import Sentences, beam, log_priors
from baselines.dissection.planes import MaskRules
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.tally import Tally, tally
from bench.speed import captioning, dissection
from bench.speed.dissection import LEVEL
from bench.speed.jobs import Setting, compose_job, make_files, read_labels, run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.config.compose import Job
    from bench.speed.gpu.sizes import Sizes

    Agreement = dict[str, Any]

_CLOSE = 1e-4
"""Largest difference of a network's outputs, as a share of the largest output."""

_PIXELS = 0.01
"""Share of a segmenter's pixels that may have another label: random weights leave many unclear."""


class Comparison(NamedTuple):
    """A path to compare: its results on a device, and the comparison of CPU and device."""

    compute: Callable[[str, Sizes], Any]
    compare: Callable[[Any, Any], Agreement]

    def run(self, device: str, sizes: Sizes) -> Agreement:
        """Compare the results of the CPU with those of a device."""
        return self.compare(self.compute("cpu", sizes), self.compute(device, sizes))


def _evidence(device: str, sizes: Sizes) -> dissection.Inputs:
    images, units = 4 * sizes.agreement_images, sizes.agreement[1]
    return dissection.make_inputs(dissection.Sizes(images, units, 56, 7), device)


def _thresholds(device: str, sizes: Sizes) -> NDArray[Any]:
    return unit_quantiles(_evidence(device, sizes).maps, LEVEL)


def _tally(device: str, sizes: Sizes) -> NDArray[Any]:
    thresholds = unit_quantiles(_evidence("cpu", sizes).maps, LEVEL)
    return _counts(tally(*_evidence(device, sizes), thresholds))


def _tally_2020(device: str, sizes: Sizes) -> NDArray[Any]:
    maps, masks = _evidence(device, sizes)
    thresholds = unit_quantiles(maps, 0.99, size=masks.mask_size, mode="zero_pad_grid")
    return _counts(tally(maps, masks, thresholds, mode="zero_pad_grid", rules=MaskRules(once=True)))


def _counts(found: Tally) -> NDArray[Any]:
    parts = (found.labels, found.both, found.by_category, found.active)
    return np.concatenate([part.ravel() for part in parts])


def _exemplars(device: str, sizes: Sizes) -> NDArray[Any]:
    from baselines.exemplars import mask_bits, rank
    from baselines.spatial import ExemplarRule

    maps = _evidence(device, sizes).maps
    chosen = rank(maps, maps.pool.mean(dim=(2, 3)), ExemplarRule(top_k=5))
    return np.concatenate([chosen.ids.ravel(), mask_bits(chosen, 56).ravel().astype(np.int64)])


def _captioning(device: str, sizes: Sizes) -> captioning.Inputs:
    words = max(sizes.words // 10, 40)
    return captioning.make_inputs(
        captioning.Sizes(sizes.agreement[1], 5, 256, 64, 5, words), device
    )


@cache
def _sentences(device: str, sizes: Sizes) -> Sentences:
    inputs = _captioning(device, sizes)
    return beam(inputs.decoder, inputs.features, width=inputs.sizes.beam)


def _priors(device: str, sizes: Sizes) -> Tensor:
    return log_priors(_sentences("cpu", sizes), _captioning(device, sizes).language_model)


def _features(device: str, sizes: Sizes) -> Tensor:
    import torchvision

    from baselines.captioning.pyramid import Pyramid
    from bench.networks.precision import set_precision
    from bench.parts.captioners.milan_vision import pyramid_layers
    from bench.parts.targets.transform import IMAGENET_MEAN, IMAGENET_STD

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (sizes.agreement_images, 64, 64, 3), dtype=np.uint8)
    torch.manual_seed(0)
    module = torchvision.models.get_model(sizes.captioner, weights=None).eval().to(device)
    layers = pyramid_layers(sizes.captioner)
    pyramid = Pyramid(module, layers, IMAGENET_MEAN, IMAGENET_STD, 64)
    with set_precision(device):
        maps = pyramid.features(images)
    return torch.cat([each.flatten(1).cpu() for each in maps], dim=1)


def _segmenter(device: str, sizes: Sizes) -> Tensor:
    from torchvision.models import get_model

    from bench.networks.precision import set_precision
    from bench.parts.segmenters.network import wrap_network
    from bench.speed.gpu.network_files import CLASSES

    torch.manual_seed(0)
    module = get_model(sizes.segmenter, weights=None, weights_backbone=None, num_classes=CLASSES)
    segmenter = wrap_network(
        module, lambda batch: [module(batch)["out"]], lambda image: image, [range(CLASSES)],
        (56, 56), device=device, precision="float32",
    )  # fmt: skip
    side = sizes.segmenter_size
    generator = torch.Generator().manual_seed(0)
    with set_precision(device):
        return segmenter.segment(
            torch.rand(sizes.agreement_images, 3, side, side, generator=generator)
        ).cpu()


def _gather(device: str, sizes: Sizes) -> Tensor:
    """Gather pooled activations and image embeddings in one pass over JPEG files."""
    from bench.evidence import EvidenceRequest, Store, gather
    from bench.networks.execution import Execution
    from bench.networks.layout import LayoutSettings
    from bench.run.selection import build_selection
    from bench.timing import Timer

    for job in _jobs(device, sizes):
        parts = build_selection(job.config)
        request = EvidenceRequest(
            parts.target, parts.layers, parts.probe, parts.encoder, LayoutSettings("avg"),
            Execution(device, sizes.batch_size, progress=False),
        )  # fmt: skip
        gathered = gather(request, store=Store(None), timer=Timer(device))
        embeddings = gathered.image_embeddings()
        assert embeddings is not None
        tables = [*(gathered.activations(layer) for layer in parts.layers), embeddings]
    return torch.cat([(table / table.abs().max()).flatten() for table in tables])


def _labels(device: str, sizes: Sizes) -> list[str]:
    for job in _jobs(device, sizes):
        run_job(job)
        labels = read_labels(job)
    return [label for layer in labels for label in layer]


def _jobs(device: str, sizes: Sizes) -> Iterator[Job]:
    """Yield one job, whose files are removed afterwards."""
    images, arch = sizes.agreement_images, sizes.networks[0]
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        files = make_files(Path(name), arch, sizes.encoder, images=images, concepts=20)
        setting = Setting(
            "clip_dissect", arch, sizes.method_layers, sizes.encoder, images, device, 16, 2
        )
        yield compose_job(files, setting, Path(name) / "results")


def equal(ours: Any, theirs: Any, tolerated: float = 0.0) -> Agreement:
    """Compare numbers that must be equal to the last bit, up to a share of them."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    unequal = ours != theirs
    if ours.dtype.kind == "f":
        unequal &= ~(np.isnan(ours) & np.isnan(theirs))
    differ = int(unequal.sum())
    agrees = differ <= tolerated * ours.size
    return {"numbers": int(ours.size), "numbers_differ": differ, "agrees": agrees}


def near(ours: Tensor, theirs: Tensor) -> Agreement:
    """Compare outputs of a network, whose sums run in another order on another device."""
    gap = (ours - theirs).abs().max()
    relative = float(gap / ours.abs().max().clamp(min=1e-12))
    return {
        "numbers": ours.numel(),
        "largest_difference": float(gap),
        "relative_difference": relative,
        "agrees": relative <= _CLOSE,
    }


def _same_sentences(ours: Sentences, theirs: Sentences) -> Agreement:
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


def _count_labels(ours: list[str], theirs: list[str]) -> Agreement:
    """Count differing labels; random networks leave too many unclear to judge by them."""
    return {**equal(ours, theirs), "agrees": None}


COMPARISONS = {
    "thresholds": Comparison(_thresholds, equal),
    "tally": Comparison(_tally, equal),
    "tally of up-sampled maps (2020)": Comparison(_tally_2020, equal),
    "exemplars": Comparison(_exemplars, equal),
    "sentences": Comparison(_sentences, _same_sentences),
    "sentence priors": Comparison(_priors, near),
    "features under masks": Comparison(_features, near),
    "segmenter": Comparison(_segmenter, partial(equal, tolerated=_PIXELS)),
    "pooled gather": Comparison(_gather, near),
    "labels of CLIP-Dissect, images to labels": Comparison(_labels, _count_labels),
}
