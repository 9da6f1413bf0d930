"""Compare the results of a GPU with those of the CPU, on every path that computes there."""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torchvision.models import get_model

from baselines import similarity
from baselines.captioning.pyramid import Pyramid
from baselines.captioning.search import Sentences, log_priors
from baselines.clip_dissect import SIMILARITIES
from baselines.dissection.planes import MaskRules
from baselines.dissection.quantile import unit_quantiles
from baselines.dissection.tally import tally
from baselines.exemplars import mask_bits, rank
from baselines.similarity.sources import EmbeddedScores
from baselines.spatial import ExemplarRule
from bench.evidence import EvidenceRequest, Store, gather
from bench.networks.execution import Execution
from bench.networks.layout import LayoutSettings
from bench.networks.precision import set_precision
from bench.parts.captioners.milan_vision import pyramid_layers
from bench.parts.segmenters.network import wrap_network
from bench.parts.targets.transform import IMAGENET_MEAN, IMAGENET_STD
from bench.run.selection import build_selection
from bench.speed import captioning, dissection
from bench.speed.dissection import LEVEL, count_array
from bench.speed.gpu.network_files import CLASSES, random_segmenter
from bench.speed.jobs import compose_job, make_files, read_labels, run_job
from bench.speed.similarity import Shape, make_inputs
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.config.compose import Job
    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes

Agreement = dict[str, Any]

CLEAR = 1e-3
"""A label must be the same if the CPU's best two scores differ by more than this."""

TOLERANCE = 2e-5
"""Largest difference of a score, as a share of 1 + its size."""

ORDERS = 0.05
"""The same for rank_reorder from embeddings, which orders images by products whose last bits depend
on the device: two images of almost equal score may change places."""

_CLOSE = 1e-4
"""Largest difference of a network's outputs, as a share of the largest output."""

_PIXELS = 0.01
"""Share of a segmenter's pixels that may have another label: random weights leave many unclear."""


def compare_devices(report: Report, sizes: Sizes, _folder: Path) -> None:
    """Compare the similarity functions, the passes over maps and masks, and the networks."""
    shape = Shape(*sizes.agreement)
    report.set_facts(clear=CLEAR, shape=shape._asdict(), images=sizes.agreement_images)
    # A constant unit, one with a NaN, and one with many ties.
    inputs = make_inputs(shape, "cpu")
    inputs.activations[:, 0] = 1.5
    inputs.activations[3, 1] = math.nan
    inputs.activations[:, 2] = inputs.activations[:, 2].round()
    matrix = inputs.product()  # one for both devices: products may differ in their last bits

    def score(name: str, given: str, device: str) -> Tensor:
        images, concepts, activations = (each.to(device) for each in inputs)
        source = EmbeddedScores(images, concepts) if given == "embeddings" else matrix.to(device)
        scores: Tensor = getattr(similarity, name)(source, activations)
        return scores.cpu()

    def compare(path: Callable[[str], Any], agree: Callable[..., Agreement]) -> Agreement:
        return agree(path("cpu"), path(report.device))

    for given in ("matrix", "embeddings"):
        for name in SIMILARITIES:
            reordered = (name, given) == ("rank_reorder", "embeddings")
            agree = partial(compare_scores, tolerance=ORDERS if reordered else TOLERANCE)
            work = partial(compare, partial(score, name, given), agree)
            report.add_row(f"{name} from {given}", work)
    for name, (path, agree) in PATHS.items():
        report.add_row(name, partial(compare, partial(path, sizes), agree))


def compare_scores(ours: Tensor, theirs: Tensor, tolerance: float) -> Agreement:
    """Compare the score matrices [U, C] of CPU and device, up to a share of 1 + a score's size.

    Returns:
        {"numbers", "largest_difference", "relative_difference", "labels", "labels_differ",
        "undefined_differ", "agrees"}; only clear labels are compared (`CLEAR`).
    """
    both = ours.isfinite() & theirs.isfinite()
    undefined = int((ours.isfinite() != theirs.isfinite()).sum())
    gap = (ours - theirs).abs()[both]
    relative = gap / (1 + ours.abs()[both])
    alive = both.any(dim=1)
    ordered = torch.where(both, ours, -torch.inf)[alive]
    best = ordered.topk(min(2, ordered.shape[1]), dim=1).values
    clear = best[:, 0] - best[:, -1] > CLEAR
    same = ordered.argmax(dim=1) == torch.where(both, theirs, -torch.inf)[alive].argmax(dim=1)
    differ = int((clear & ~same).sum())
    worst = float(relative.max()) if relative.numel() else 0.0
    return {
        "numbers": int(both.sum()),
        "largest_difference": float(gap.max()) if gap.numel() else 0.0,
        "relative_difference": worst,
        "labels": int(clear.sum()),
        "labels_differ": differ,
        "undefined_differ": undefined,
        "agrees": differ == 0 and undefined == 0 and worst <= tolerance,
    }


def _equal(ours: Any, theirs: Any, tolerated: float = 0.0, judged: bool = True) -> Agreement:
    """Compare values that must be equal to the last bit, up to a share of them.

    Labels of random networks are not judged: too many are unclear.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    unequal = ours != theirs
    if ours.dtype.kind == "f":
        unequal &= ~(np.isnan(ours) & np.isnan(theirs))
    differ = int(unequal.sum())
    agrees = differ <= tolerated * ours.size if judged else None
    return {"numbers": int(ours.size), "numbers_differ": differ, "agrees": agrees}


def _near(ours: Tensor, theirs: Tensor) -> Agreement:
    """Compare outputs of a network, whose sums run in another order on another device."""
    gap = float((ours - theirs).abs().max())
    relative = gap / max(float(ours.abs().max()), 1e-12)
    differences = {"largest_difference": gap, "relative_difference": relative}
    return {"numbers": ours.numel(), **differences, "agrees": relative <= _CLOSE}


def _same_sentences(ours: Sentences, theirs: Sentences) -> Agreement:
    clear = ours.log_p[:, 0] - ours.log_p[:, 1] > CLEAR
    same = (ours.tokens[:, 0] == theirs.tokens[:, 0]).all(dim=1)
    gap, differ = float((ours.log_p - theirs.log_p).abs().max()), int((clear & ~same).sum())
    return {
        "numbers": ours.log_p.numel(),
        "largest_difference": gap,
        "labels": int(clear.sum()),
        "labels_differ": differ,
        "agrees": differ == 0 and gap <= CLEAR,
    }


def _evidence(sizes: Sizes, device: str) -> dissection.Inputs:
    shape = dissection.Sizes(4 * sizes.agreement_images, sizes.agreement[1], mask=56, map=7)
    return dissection.make_inputs(shape, device)


def _thresholds(sizes: Sizes, device: str) -> NDArray[Any]:
    return unit_quantiles(_evidence(sizes, device).maps, LEVEL)


def _tally(sizes: Sizes, device: str) -> NDArray[Any]:
    return count_array(tally(*_evidence(sizes, device), _thresholds(sizes, "cpu")))


def _tally_2020(sizes: Sizes, device: str) -> NDArray[Any]:
    maps, masks = _evidence(sizes, device)
    thresholds = unit_quantiles(maps, 0.99, size=masks.mask_size, mode="zero_pad_grid")
    counts = tally(maps, masks, thresholds, mode="zero_pad_grid", rules=MaskRules(once=True))
    return count_array(counts)


def _captioning(sizes: Sizes, device: str) -> captioning.Inputs:
    shape = captioning.Sizes(sizes.agreement[1], 5, 256, 64, 5, max(sizes.words // 10, 40))
    return captioning.make_inputs(shape, device)


@cache
def _sentences(sizes: Sizes, device: str) -> Sentences:
    return _captioning(sizes, device).search()


def _exemplars(sizes: Sizes, device: str) -> NDArray[Any]:
    maps = _evidence(sizes, device).maps
    chosen = rank(maps, maps.pool.mean(dim=(2, 3)), ExemplarRule(top_k=5))
    return np.concatenate([chosen.ids.ravel(), mask_bits(chosen, 56).ravel().astype(np.int64)])


def _priors(sizes: Sizes, device: str) -> Tensor:
    return log_priors(_sentences(sizes, "cpu"), _captioning(sizes, device).language_model)


def _features(sizes: Sizes, device: str) -> Tensor:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (sizes.agreement_images, 64, 64, 3), dtype=np.uint8)
    torch.manual_seed(0)
    module = get_model(sizes.captioner, weights=None).eval().to(device)
    layers = pyramid_layers(sizes.captioner)
    pyramid = Pyramid(module, layers, IMAGENET_MEAN, IMAGENET_STD, 64)
    with set_precision(device):
        return torch.cat([maps.flatten(1).cpu() for maps in pyramid.features(images)], dim=1)


def _segmenter(sizes: Sizes, device: str) -> Tensor:
    module = random_segmenter(sizes)
    segmenter = wrap_network(
        module, lambda batch: [module(batch)["out"]], lambda image: image, [range(CLASSES)],
        (56, 56), device=device, precision="float32",
    )  # fmt: skip
    shape = (sizes.agreement_images, 3, sizes.segmenter_size, sizes.segmenter_size)
    with set_precision(device):
        return segmenter.segment(torch.rand(shape, generator=torch.manual_seed(0))).cpu()


def _gather(sizes: Sizes, device: str) -> Tensor:
    """Gather pooled activations and image embeddings in one pass over JPEG files."""
    with _job(sizes, device) as job:
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


def _labels(sizes: Sizes, device: str) -> list[str]:
    with _job(sizes, device) as job:
        run_job(job)
        return [label for layer in read_labels(job) for label in layer]


@contextmanager
def _job(sizes: Sizes, device: str) -> Iterator[Job]:
    """Yield a small job, whose files are removed afterwards."""
    setting = sizes.setting(
        device, arch=sizes.networks[0], layers=sizes.method_layers,
        images=sizes.agreement_images, batch_size=16, workers=2,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="dissectbench-") as name:
        yield compose_job(make_files(Path(name), setting, 20), setting, Path(name) / "results")


PATHS: dict[str, tuple[Any, Any]] = {
    "thresholds": (_thresholds, _equal),
    "tally": (_tally, _equal),
    "tally of up-sampled maps (2020)": (_tally_2020, _equal),
    "exemplars": (_exemplars, _equal),
    "sentences": (_sentences, _same_sentences),
    "sentence priors": (_priors, _near),
    "features under masks": (_features, _near),
    "segmenter": (_segmenter, partial(_equal, tolerated=_PIXELS)),
    "pooled gather": (_gather, _near),
    "labels of CLIP-Dissect, images to labels": (_labels, partial(_equal, judged=False)),
}
"""Functions that compute a result on a device, and those that compare CPU with device."""
