"""Forecast how long a request will take on this machine, by timing a sample.

Evidence in the cache does not count, nor evidence that an earlier job of the request gathers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.evidence import Store, count_missing_images, count_missing_texts
from bench.run.device import resolve_device
from bench.run.plan import State
from bench.run.provenance import describe_method
from bench.run.sample import Sample
from bench.run.scoring import shares_tower
from bench.run.shared import evidence_request
from leaderboards.hashing import canonical_json
from metrics.text import truth_strings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.parts.protocols import Encoder, SentenceEncoder
    from bench.run.plan import JobPlan


_UNITS = ("images", "texts", "cells")


@dataclass(frozen=True)
class Work:
    """Work of one kind.

    Attributes:
        what: Network or method.
        items: Number of images, texts or cells.
        unit: "images", "texts" or "cells".
        seconds: Time for all; None for work that a sample cannot forecast.
    """

    what: str
    items: int
    unit: str
    seconds: float | None = None


@dataclass(frozen=True)
class _Task:
    """Work of one kind that a job needs.

    Attributes:
        what: Network or method.
        unit: "images", "texts" or "cells".
        items: Number of these.
        phase: The phase of a run that it belongs to.
        key: What decides the speed.
        measure: Return the seconds of one.
    """

    what: str
    unit: str
    items: int
    phase: str
    key: str
    measure: Callable[[], float | None]


@dataclass(frozen=True)
class Calibration:
    """The time that a request needs, estimated from a sample.

    Attributes:
        works: Kinds of work: images, texts, cells; none where all cells have labels.
        phases: For each job the time of its phases in seconds; None for what cannot be timed.
    """

    works: list[Work]
    phases: list[dict[str, float | None]]


def calibrate(plans: Sequence[JobPlan]) -> Calibration:
    """Time a sample of each kind of work that a request needs.

    Args:
        plans: The request's jobs; no requirement of their parts may be unmet.
    """
    made: set[str] = set()
    rates: dict[str, float | None] = {}
    found: dict[tuple[str, str], Work] = {}
    jobs: list[dict[str, float | None]] = []
    with TemporaryDirectory() as folder:
        for job in plans:
            phases: dict[str, float | None] = {}
            jobs.append(phases)
            for left in _left(job, made, Store(folder)):
                if not left.items:
                    continue
                if left.key not in rates:
                    rates[left.key] = left.measure()
                each, place = rates[left.key], (left.what, left.unit)
                before = found.get(place, Work(left.what, 0, left.unit, 0.0))
                spent = None
                if each is not None and before.seconds is not None:
                    spent = before.seconds + left.items * each
                found[place] = Work(left.what, before.items + left.items, left.unit, spent)
                earlier = phases.get(left.phase, 0.0)
                known = each is not None and earlier is not None
                phases[left.phase] = earlier + left.items * each if known else None  # type: ignore[operator]
    works = sorted(found.values(), key=lambda work: _UNITS.index(work.unit))
    return Calibration(works, jobs)


def _left(job: JobPlan, made: set[str], store: Store) -> Iterator[_Task]:
    """Yield the work that a job needs, by kind.

    Args:
        job: The job.
        made: Cache entries and cells that earlier jobs make; those of this job are added.
        store: Cache of evidence on the sample.
    """
    new = (State.TO_RUN, State.FAILED)
    fresh = [cell for cell, state in job.pending().items() if state in new]
    cells = [cell for cell in fresh if str(cell.folder) not in made]
    made.update(str(cell.folder) for cell in cells)
    if not cells:
        return
    selection, config, layers = job.selection, job.job.config, [cell.layer for cell in cells]
    sample = Sample(job, layers, store)
    encoder = selection.encoder if "image_embeddings" in selection.method.needs else None
    cache = Store(config.runtime.cache)
    request = evidence_request(job, layers, resolve_device(config))
    of_target, of_encoder = count_missing_images(request, store=cache)
    network = canonical_json([dict(selection.target.fingerprint()), layers])
    shown = f"{_chosen(job, 'target')} {','.join(layers)}"
    yield _Task(shown, "images", _count(of_target, made), "gather", network, sample.image_of_target)
    if encoder is not None:
        name, key = _chosen(job, "encoder"), _identity(encoder)
        yield _Task(
            name, "images", _count(of_encoder, made), "gather", key, sample.image_of_encoder
        )
    for name, model, texts, phase in _lists(job, layers):
        left = count_missing_texts(model, texts, store=cache, sentences=model is selection.sentence)
        measure = partial(sample.text, model, texts)
        yield _Task(name, "texts", _count(left, made), phase, f"texts {_identity(model)}", measure)
    method = canonical_json([describe_method(selection), len(selection.words)])
    yield _Task(_title(job), "cells", len(layers), "match", f"{method} {network}", sample.cell)


def _count(left: dict[str, int], made: set[str]) -> int:
    """Return the images or texts of a pass over cache entries, without those made before."""
    most = max((n for key, n in left.items() if not key or key not in made), default=0)
    made.update(left)
    return most


def _lists(
    job: JobPlan, layers: Sequence[str]
) -> Iterator[tuple[str, Encoder | SentenceEncoder, Sequence[str], str]]:
    """Yield the lists of texts that a job embeds: family of the model, model, list, phase."""
    selection = job.selection
    if selection.encoder is not None and "concept_embeddings" in selection.method.needs:
        yield "text encoder", selection.encoder, selection.words, "text"
        if "blank_embedding" in selection.method.needs:
            yield "text encoder", selection.encoder, ("",), "text"
    for layer in layers:
        if not job.judges.judged(layer):
            continue
        names = truth_strings(list(selection.true_names(layer).values()))
        for texts in filter(None, (selection.words, names)):
            if selection.sentence.fingerprint():
                yield "sentence encoder", selection.sentence, texts, "score"
            if selection.clip_text is not None and not shares_tower(
                selection.clip_text, selection.sentence
            ):
                yield "text encoder", selection.clip_text, texts, "score"


def _chosen(job: JobPlan, role: str) -> str:
    return job.job.choices.get(role) or job.selection.names[role]


def _title(job: JobPlan) -> str:
    """Return the method with its text settings and the size of its vocabulary."""
    params = describe_method(job.selection)["params"].values()
    words = [_chosen(job, "method"), *(value for value in params if isinstance(value, str))]
    size = f", {len(job.selection.words):,} words" if job.selection.words else ""
    return f"matching: {' '.join(words)}{size}"


def _identity(model: Encoder | SentenceEncoder) -> str:
    return canonical_json(dict(model.fingerprint()))
