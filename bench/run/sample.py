"""Time a job's networks and method on a few images and texts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from baselines.base import Evidence
from bench.config.validate import layout_settings
from bench.evidence import EvidenceRequest, gather
from bench.evidence.model_cache import load_encoder, load_sentence_encoder
from bench.networks.precision import set_precision
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings
from bench.run.device import execution_of, resolve_device
from bench.run.shared import warm_up
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from bench.evidence import Store
    from bench.parts.protocols import Encoder, Fingerprint, Probe, SentenceEncoder
    from bench.run.plan import JobPlan

SAMPLE = 64
"""Number of images and of texts that each network is timed on."""

_WARM = 8
"""Number of images and of texts before the timing, so that start-up time does not count."""

_REPEATED = (2, 8)
"""Repetitions of the sample at which matching is timed; the difference is the time per image. The
smaller number has as many images as CLIP-Dissect reads for each unit."""

_NOISE = 0.2
"""Noise of repeated images, in standard deviations."""

_MATCHED = frozenset(
    {"activations", "image_embeddings", "concept_embeddings", "blank_embedding", "calibration"}
)
"""Needs of methods whose matching can be timed on the sample."""


@dataclass(frozen=True)
class FirstImages:
    """The first images of a probe set."""

    summary: ClassVar[str] = "the first images of a probe set"

    probe: Probe
    limit: int

    def __len__(self) -> int:
        return min(self.limit, len(self.probe))

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the set, and the number of images."""
        return {"of": dict(self.probe.fingerprint()), "n": len(self)}

    def image(self, index: int) -> Image:
        """Return the image at `index`."""
        return self.probe.image(index)


class Sample:
    """A few images and texts of a job.

    Args:
        job: The job; no requirement of its parts may be unmet.
        layers: The layers to describe.
        store: Cache of evidence on the sample, which the jobs of a request share.
    """

    def __init__(self, job: JobPlan, layers: Sequence[str], store: Store) -> None:
        self._selection, self._layers, self._store = job.selection, layers, store
        self._config = job.job.config
        self._device = resolve_device(self._config)
        self._execution = replace(execution_of(self._config, self._device), progress=False)

    def image_of_target(self) -> float:
        """Return the seconds that decoding an image and its forward pass take."""
        return self._image(self._layers, None, "target_forward")

    def image_of_encoder(self) -> float:
        """Return the seconds of an image as `image_of_target`, for the encoder."""
        return self._image((), self._selection.encoder, "image_encoding")

    def text(self, model: Encoder | SentenceEncoder, texts: Sequence[str]) -> float:
        """Return the seconds that a model takes for one text of a list."""
        embed = self._embedder(model)
        some = _spaced(texts)
        embed(some[:_WARM])
        start = time.perf_counter()
        embed(some)
        return (time.perf_counter() - start) / len(some)

    def cell(self) -> float | None:
        """Return the seconds that matching one layer takes, over the whole probe set.

        Returns:
            None for a method that needs more than activations and embeddings, and for arrays, which
            are of the whole probe set.
        """
        selection = self._selection
        arrays = isinstance(selection.target, GivesArrays)
        arrays = arrays or isinstance(selection.encoder, GivesEmbeddings)
        if arrays or not selection.method.needs <= _MATCHED:
            return None
        encoder = selection.encoder if "image_embeddings" in selection.method.needs else None
        timer = Timer(self._device)
        gathered = self._gather(self._layers, encoder, SAMPLE, timer)
        warm_up(selection, timer)
        embeddings, words = gathered.image_embeddings(), None
        if embeddings is not None:
            words = self._words(embeddings.shape[1])
        few, many = (gathered.n * times for times in _REPEATED)
        spent = 0.0
        for layer in self._layers:
            repeated = partial(self._evidence, gathered.activations(layer), embeddings, words)
            short, long = (self._match(repeated(times), timer) for times in _REPEATED)
            grows = max(0.0, long - short) / (many - few)
            spent += max(0.0, long + grows * (len(selection.probe) - many))
        return spent / len(self._layers)

    def _image(self, layers: Sequence[str], encoder: Encoder | None, part: str) -> float:
        for count in (_WARM, SAMPLE):
            timer = Timer(self._device)
            self._gather(layers, encoder, count, timer)
        spent = {phase.name: phase.wall_s / (phase.items or 1) for phase in timer.phases}
        decoding = spent["decode"] / max(1, self._execution.workers)
        # A GPU works while images are decoded; on a CPU both need the same cores.
        together: Callable[[list[float]], float] = max if timer.on_device else sum
        return together([decoding, spent[part]])

    def _gather(
        self, layers: Sequence[str], encoder: Encoder | None, count: int, timer: Timer
    ) -> Any:
        request = EvidenceRequest(
            self._selection.target,
            layers,
            FirstImages(self._selection.probe, count),
            encoder,
            layout_settings(self._config),
            self._execution,
            directions=self._selection.directions if layers else None,
        )
        return gather(request, store=self._store, timer=timer)

    def _embedder(self, model: Any) -> Callable[[Sequence[str]], Any]:
        if model is self._selection.sentence:
            return load_sentence_encoder(model, self._device)
        tower = load_encoder(model, self._device)
        return lambda texts: tower.encode_texts(texts).cpu()

    def _evidence(
        self, activations: Tensor, embeddings: Tensor | None, words: Tensor | None, times: int
    ) -> Evidence:
        """Return evidence on the sample, repeated."""
        shown = None if embeddings is None else _repeat(embeddings, times).to(self._device)
        return Evidence(
            activations=_repeat(activations, times).to(self._device),
            concepts=self._selection.words,
            image_embeddings=shown,
            concept_embeddings=None if words is None else words.to(self._device),
            blank_embedding=None if words is None else words.mean(dim=0).to(self._device),
            calibration=self._selection.calibration,
        )

    def _words(self, width: int) -> Tensor:
        """Return what stands for the embeddings of the C candidate labels, [C, width].

        The time does not depend on them, unless their cosines become probabilities: then concepts
        that no image shows are left out. So a sample of the labels is repeated.
        """
        import torch

        words = self._selection.words
        if "calibration" not in self._selection.method.needs:
            drawn = torch.Generator().manual_seed(0)
            return torch.randn(len(words), width, generator=drawn)
        assert self._selection.encoder is not None
        some = self._embedder(self._selection.encoder)(_spaced(words))
        return _repeat(some, -(-len(words) // len(some)))[: len(words)]

    def _match(self, evidence: Evidence, timer: Timer) -> float:
        with timer.phase("match") as phase, set_precision(self._device):
            self._selection.method.describe(evidence, seed=self._config.seed)
        return phase.wall_s


def _repeat(rows: Tensor, times: int) -> Tensor:
    """Return rows repeated, with a little noise: fits to equal rows would take longer."""
    import torch

    copies = rows.repeat(times, 1)
    noise = torch.randn(copies.shape, generator=torch.Generator().manual_seed(0))
    return copies + _NOISE * copies.std(dim=0, correction=0) * noise


def _spaced(texts: Sequence[str]) -> list[str]:
    """Return a sample of a list of texts, evenly spaced."""
    return list(texts)[:: max(1, len(texts) // SAMPLE)][:SAMPLE]
