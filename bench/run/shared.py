"""Gather the evidence that the cells of one job share, once for all of its layers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from inspect import signature
from typing import TYPE_CHECKING, Any

from baselines.base import Evidence
from bench.config.validate import layout_settings, parse_share
from bench.errors import UserError
from bench.evidence import (
    EvidenceRequest,
    gather,
    gather_exemplars,
    gather_share,
    has_exemplars,
    segment,
    segment_share,
    text_embeddings,
)
from bench.evidence.fast_transforms import compile_fast_transforms, fast_transform
from bench.evidence.label_checks import check_labels
from bench.parts.encoders.image_text import LoadedImageText
from bench.parts.optional_protocols import GivesEmbeddings
from bench.run.classifier import classifier_layers
from bench.run.device import execution_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from baselines.captions import Captioner, ImageText
    from baselines.spatial import Exemplars, Masks
    from bench.evidence import ProbeEvidence, Store, StoredExemplars
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
        blank_embedding: float32 [D] on `device`; None where the method needs none, or the encoder
            is embeddings in files.
        masks: Of the images; None where the method needs none.
        maps: Whether the method needs maps.
        exemplars: By layer; empty where the method needs none.
        captioner: Loaded; None where the method needs none.
        image_text: The encoder, loaded; None where the method does not need it.
        costs: What cached evidence cost when it was gathered; what the run cost that completed
            evidence of earlier processes too, so that its time is not taken for the whole.
        device: Where the method computes on activations and embeddings.
        notes: Notes on the candidate labels, for the record.
    """

    gathered: ProbeEvidence
    concepts: tuple[str, ...]
    image_embeddings: Tensor | None
    concept_embeddings: Tensor | None
    blank_embedding: Tensor | None
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
            blank_embedding=self.blank_embedding,
            maps=self.gathered.maps(layer) if self.maps else None,
            masks=self.masks,
            exemplars=self.exemplars.get(layer),
            captioner=self.captioner,
            image_text=self.image_text,
        )

    def units(self, layer: str) -> int:
        """Return the number of units of a layer."""
        return self.gathered.units[layer]


def warm_up(selection: Selection, timer: Timer) -> None:
    """Start the device and compile kernels, so that no timed phase includes this."""
    timer.warm_up()
    compile_fast_transforms(len(selection.probe))
    _warm_up_method(selection, timer.device)


def _warm_up_method(selection: Selection, device: str) -> None:
    """Compile a method's kernels; `warm_up` of another package's method may take no device."""
    compile_parts = getattr(selection.method, "warm_up", None)
    if compile_parts is not None:
        compile_parts(*[device] if signature(compile_parts).parameters else [])


def evidence_request(
    plan: JobPlan, layers: Sequence[str], device: str, *, maps: bool = False
) -> EvidenceRequest:
    """Return what to gather for a job's method.

    Args:
        plan: The job.
        layers: The layers to describe.
        device: Where networks run.
        maps: Whether to gather maps that the method does not need.
    """
    selection, config = plan.selection, plan.job.config
    return EvidenceRequest(
        selection.target,
        layers,
        selection.probe,
        selection.encoder if "image_embeddings" in selection.method.needs else None,
        layout_settings(config),
        execution_of(config, device),
        maps=maps or bool({"maps", "exemplars"} & selection.method.needs),
        extra_layers=classifier_layers(config, selection.decisions, layers),
        directions=selection.directions,
    )


def gather_shared(
    plan: JobPlan, layers: Sequence[str], store: Store, timer: Timer
) -> SharedEvidence:
    """Gather what the job's method needs: one pass over the images, and embeddings of concepts.

    Args:
        plan: The job.
        layers: The layers to describe.
        store: The evidence cache.
        timer: Gets the phases "gather" and "text"; has the device.
    """
    selection = plan.selection
    needs = selection.method.needs
    request = evidence_request(plan, layers, timer.device)
    if "exemplars" in needs and "maps" not in needs:
        found = has_exemplars(request, *selection.exemplar_settings, store=store)
        request = replace(request, maps=not found)
    gathered = gather(request, store=store, timer=timer)
    costs = list(gathered.costs)
    image_embeddings, concept_embeddings = gathered.image_embeddings(), None
    blank_embedding = _embed_blank(selection, store, timer, costs)
    notes: tuple[str, ...] = ()
    if selection.encoder is not None and "concept_embeddings" in needs:
        embedded = text_embeddings(
            selection.encoder, selection.words, store=store, timer=timer, device=timer.device
        )
        concept_embeddings = embedded.embeddings
        notes = check_labels(selection.words, concept_embeddings.numpy(), embedded.cut)
        for note in notes:
            _LOG.warning("%s", note)
        costs += [embedded.cost] if embedded.cached else []
    _require_finite(image_embeddings, "images")
    _require_finite(concept_embeddings, "concepts")
    masks = selection.probe_masks()
    if masks is None and selection.segmenter:
        segmented = segment(
            selection.segmenter,
            selection.probe,
            store=store,
            timer=timer,
            execution=request.execution,
        )
        masks = segmented
        costs += [c for c in segmented.costs if segmented.cached or not c["complete"]]
    exemplars: dict[str, StoredExemplars] = {}
    if "exemplars" in needs:
        for layer in layers:
            exemplars[layer] = gather_exemplars(
                request, gathered, layer, *selection.exemplar_settings, store=store, timer=timer
            )
            costs += exemplars[layer].costs
    units, words = max(gathered.units.values()), len(selection.words) if selection.closed else 0
    wanted = 4 * (gathered.n * units + units * words)
    tables = image_embeddings, concept_embeddings
    wanted += sum(table.nbytes for table in tables if table is not None)
    device = _matching_device(timer.device, wanted)
    if device != timer.device:
        _warm_up_method(selection, device)
    image_embeddings, concept_embeddings = (
        None if table is None else table.to(device) for table in tables
    )
    return SharedEvidence(
        gathered=gathered,
        concepts=selection.words if selection.uses_concepts else (),
        image_embeddings=image_embeddings,
        concept_embeddings=concept_embeddings,
        blank_embedding=None if blank_embedding is None else blank_embedding.to(device),
        masks=masks,
        maps="maps" in needs,
        exemplars=exemplars,
        captioner=selection.captioner.load(timer.device) if selection.captioner else None,
        image_text=_image_text(selection, timer.device, sum(gathered.units.values())),
        costs=tuple(costs),
        device=device,
        notes=notes,
    )


def _embed_blank(
    selection: Selection, store: Store, timer: Timer, costs: list[Mapping[str, Any]]
) -> Tensor | None:
    """Embed the encoder's template without a label, where the method needs it; add its cost."""
    encoder = selection.encoder
    needed = "blank_embedding" in selection.method.needs
    if not needed or encoder is None or isinstance(encoder, GivesEmbeddings):
        return None
    blank = text_embeddings(encoder, ("",), store=store, timer=timer, device=timer.device)
    costs += [blank.cost] if blank.cached else []
    return blank.embeddings[0]


def _require_finite(embeddings: Tensor | None, what: str) -> None:
    """Refuse embeddings that are not finite.

    Raises:
        UserError: Some are NaN or infinite.
    """
    if embeddings is None:
        return
    bad = int((~embeddings.isfinite().all(dim=1)).sum())
    if bad:
        raise UserError(
            f"{bad} of {len(embeddings)} {what} have NaN or infinite embeddings",
            where="encoder",
            hint="look for NaN in the encoder's weights and in the output of its transform; if it "
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


def _image_text(selection: Selection, device: str, images: int) -> ImageText | None:
    """Load the encoder where a method embeds images of its own, about `images` of them."""
    if selection.encoder is None or "image_text" not in selection.method.needs:
        return None
    encoder = selection.encoder.load(device)
    view = fast_transform(encoder.transform, images)
    return LoadedImageText(replace(encoder, transform=view), device)


def gather_one_share(
    plan: JobPlan, layers: Sequence[str], store: Store, timer: Timer
) -> int | None:
    """Gather the job's share of the images, where `runtime.share` is set.

    Returns:
        The number of images of the share; None without a share.
    """
    selection, config = plan.selection, plan.job.config
    share = parse_share(config.runtime.share)
    if share is None:
        return None
    request = evidence_request(plan, layers, timer.device)
    seen = gather_share(request, share, store=store, timer=timer)
    if selection.segmenter and not selection.segmented_probe:
        execution = request.execution
        segmented = segment_share(
            selection.segmenter,
            selection.probe,
            share,
            store=store,
            timer=timer,
            execution=execution,
        )
        return max(seen, segmented)
    return seen
