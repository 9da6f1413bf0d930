"""Gather the evidence that the cells of one job share, once for all of its layers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.base import Evidence
from bench.config.validate import parse_share
from bench.errors import UserError
from bench.evidence import (
    exemplars_held,
    gather,
    gather_exemplars,
    gather_share,
    segment,
    segment_share,
    text_embeddings,
)
from bench.evidence.alike import describe_alike
from bench.evidence.views import compile_views, quick_view
from bench.parts.encoders.image_text import LoadedImageText
from bench.run.classifier import classifier_layers
from bench.run.device import how_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from baselines.captions import Captioner, ImageText
    from baselines.spatial import Exemplars, Masks
    from bench.evidence import Gathered, Store, StoredExemplars
    from bench.run.plan import JobPlan
    from bench.run.selection import Selection
    from bench.timing import Timer


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedEvidence:
    """The evidence that a method reads, by layer.

    Attributes:
        gathered: Activations and image embeddings.
        concepts: The C candidate labels.
        image_embeddings: float32 [N, D] on `device`; None where the method needs none.
        concept_embeddings: float32 [C, D] on `device`; None where the method needs none.
        masks: Of the images; None where the method needs none.
        maps: Whether the method needs maps.
        exemplars: By layer; empty where the method needs none.
        captioner: Loaded; None where the method needs none.
        image_text: The encoder, loaded; None where the method does not need it.
        costs: What cached evidence cost when it was gathered.
        device: Where the method computes on activations and embeddings.
        notes: Notes on the candidate labels, for the record.
    """

    gathered: Gathered
    concepts: tuple[str, ...]
    image_embeddings: Tensor | None
    concept_embeddings: Tensor | None
    masks: Masks | None
    maps: bool
    exemplars: Mapping[str, Exemplars]
    captioner: Captioner | None
    image_text: ImageText | None
    costs: tuple[Mapping[str, Any], ...]
    device: str
    notes: tuple[str, ...] = ()

    def evidence(self, layer: str) -> Evidence:
        """Return the evidence on one layer."""
        return Evidence(
            activations=self.gathered.activations(layer).to(self.device),
            concepts=self.concepts,
            image_embeddings=self.image_embeddings,
            concept_embeddings=self.concept_embeddings,
            maps=self.gathered.maps(layer) if self.maps else None,
            masks=self.masks,
            exemplars=self.exemplars.get(layer),
            captioner=self.captioner,
            image_text=self.image_text,
        )

    def units(self, layer: str) -> int:
        """Return the number of units of a layer."""
        return self.gathered.units[layer]


def warm_up(parts: Selection, timer: Timer) -> None:
    """Start the device and compile kernels beforehand, so that no timed phase includes it."""
    timer.warm_up()
    compile_views(len(parts.probe))
    _warm_up_method(parts, timer.device)


def _warm_up_method(parts: Selection, device: str) -> None:
    """Compile a method's kernels; `warm_up` of another package's method may take no device."""
    compile_parts = getattr(parts.method, "warm_up", None)
    if compile_parts is not None:
        compile_parts(*[device] if signature(compile_parts).parameters else [])


def gather_shared(
    planned: JobPlan, layers: Sequence[str], store: Store, timer: Timer
) -> SharedEvidence:
    """Gather what the job's method needs: one pass over the images, and embeddings of concepts.

    Args:
        planned: The job.
        layers: The layers to describe.
        store: The evidence cache.
        timer: Gets the phases "gather" and "text"; has the device.
    """
    parts, config = planned.selection, planned.job.config
    needs = parts.method.needs
    maps = "maps" in needs
    if "exemplars" in needs and not maps:
        maps = not _exemplars_held(planned, layers, store)
    gathered = gather(
        parts.target,
        layers,
        config.target.pooling,
        parts.probe,
        parts.encoder if "image_embeddings" in needs else None,
        store=store,
        timer=timer,
        how=how_of(config, timer.device),
        maps=maps,
        also=classifier_layers(config, parts.decisions, layers),
    )
    costs = list(gathered.costs)
    image_embeddings, concept_embeddings = gathered.image_embeddings(), None
    notes: tuple[str, ...] = ()
    if parts.encoder is not None and "concept_embeddings" in needs:
        embedded = text_embeddings(
            parts.encoder, parts.words, store=store, timer=timer, device=timer.device
        )
        concept_embeddings = embedded.embeddings
        notes = describe_alike(parts.words, concept_embeddings.numpy(), embedded.cut)
        for note in notes:
            _LOG.warning("%s", note)
        costs += [embedded.cost] if embedded.cached else []
    _require_finite(image_embeddings, "images")
    _require_finite(concept_embeddings, "concepts")
    masks: Masks | None = None
    if parts.segmented_probe:
        masks = parts.segmented_probe.masks(Path(config.runtime.cache).expanduser())
    elif parts.segmenter:
        how = how_of(config, timer.device)
        segmented = segment(parts.segmenter, parts.probe, store=store, timer=timer, how=how)
        masks = segmented
        costs += segmented.costs if segmented.cached else ()
    exemplars = {}
    if "exemplars" in needs:
        for layer in layers:
            found = _exemplars(planned, layer, gathered, store, timer)
            exemplars[layer] = found
            costs += found.costs
    units, words = max(gathered.units.values()), len(parts.words) if parts.closed else 0
    wanted = 4 * (gathered.n * units + units * words)
    tables = image_embeddings, concept_embeddings
    wanted += sum(table.nbytes for table in tables if table is not None)
    device = _matching_device(timer.device, wanted)
    if device != timer.device:
        _warm_up_method(parts, device)
    image_embeddings, concept_embeddings = (
        None if table is None else table.to(device) for table in tables
    )
    return SharedEvidence(
        gathered=gathered,
        concepts=parts.words if parts.uses_concepts else (),
        image_embeddings=image_embeddings,
        concept_embeddings=concept_embeddings,
        masks=masks,
        maps="maps" in needs,
        exemplars=exemplars,
        captioner=parts.captioner.load(timer.device) if parts.captioner else None,
        image_text=_image_text(parts, timer.device, sum(gathered.units.values())),
        costs=tuple(costs),
        device=device,
        notes=notes,
    )


def _require_finite(embeddings: Tensor | None, what: str) -> None:
    """Refuse embeddings that are not finite.

    Raises:
        UserError: Some are NaN or infinite.
    """
    if embeddings is None:
        return
    spoilt = int((~embeddings.isfinite().all(dim=1)).sum())
    if spoilt:
        raise UserError(
            f"{spoilt} of {len(embeddings)} {what} have NaN or infinite embeddings",
            where="encoder",
            hint="look for NaN in the encoder's weights and in what its transform gives; where it "
            "runs in float16, try encoder.params.precision=float32",
        )


def _matching_device(device: str, wanted: int) -> str:
    """Return where a method computes: the CPU if evidence fills over half of a GPU's free memory.

    Args:
        device: Of the run.
        wanted: Bytes of the activations of the widest layer, of the embeddings and of the scores.
    """
    if not device.startswith("cuda"):
        return device
    from baselines.similarity.kernels.gpu import free_bytes

    free = free_bytes(device)
    if 2 * wanted <= free:
        return device
    _LOG.warning(
        "matching on the CPU: evidence and scores take %.1f GB, and %.1f GB of the GPU are free",
        wanted / 1e9,
        free / 1e9,
    )
    return "cpu"


def _exemplars_held(planned: JobPlan, layers: Sequence[str], store: Store) -> bool:
    parts, config = planned.selection, planned.job.config
    rule, size = parts.exemplar_settings
    how = how_of(config, "cpu")
    shown = (parts.target, layers, config.target.pooling, parts.probe)
    return exemplars_held(*shown, rule, size, store=store, how=how)


def _exemplars(
    planned: JobPlan, layer: str, gathered: Gathered, store: Store, timer: Timer
) -> StoredExemplars:
    parts = planned.selection
    how = how_of(planned.job.config, timer.device)
    shown = (parts.target, parts.probe, *parts.exemplar_settings)
    return gather_exemplars(gathered, layer, *shown, store=store, timer=timer, how=how)


def _image_text(parts: Selection, device: str, images: int) -> ImageText | None:
    """Load the encoder where a method embeds images of its own, about `images` of them."""
    if parts.encoder is None or "image_text" not in parts.method.needs:
        return None
    encoder = parts.encoder.load(device)
    view = quick_view(encoder.transform, images)
    return LoadedImageText(replace(encoder, transform=view), device)


def gather_one_share(
    planned: JobPlan, layers: Sequence[str], store: Store, timer: Timer
) -> int | None:
    """Gather the job's share of the images, where `runtime.share` is set.

    Returns:
        The number of images of the share; None without a share.
    """
    parts, config = planned.selection, planned.job.config
    share = parse_share(config.runtime.share)
    if share is None:
        return None
    how = how_of(config, timer.device)
    seen = gather_share(
        parts.target,
        layers,
        parts.probe,
        parts.encoder if "image_embeddings" in parts.method.needs else None,
        store=store,
        timer=timer,
        share=share,
        pooling=config.target.pooling,
        how=how,
        maps=bool({"maps", "exemplars"} & parts.method.needs),
        also=classifier_layers(config, parts.decisions, layers),
    )
    if parts.segmenter and not parts.segmented_probe:
        marked = segment_share(
            parts.segmenter, parts.probe, store=store, timer=timer, share=share, how=how
        )
        return max(seen, marked)
    return seen
