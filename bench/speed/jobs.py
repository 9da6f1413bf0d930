"""Run a job on made-up files and read its costs and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.errors import UserError
from bench.speed.job_files import make_broden, make_encoder, make_images, make_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.config.compose import Job

BRODEN = 63_305
"""Number of images of Broden, the probe set of CLIP-Dissect's timings."""

FIVE_LAYERS = ("conv1", "layer1", "layer2", "layer3", "layer4")
_PHASES = frozenset({"gather", "segment", "exemplars", "text", "match", "score"})
_PER_LAYER = frozenset({"match", "score"})
"""Phases that run once per layer; the layers of a job share the others."""


@dataclass(frozen=True)
class Files:
    """Files that jobs read.

    Attributes:
        images: Folder of JPEG files, or a folder in Broden's layout if `masked`.
        masked: Whether the images have masks.
        network: Weights of the target.
        encoder: Weights of the image-text encoder.
        concepts: Overrides that choose the candidate labels.
    """

    images: Path
    masked: bool
    network: Path
    encoder: Path
    concepts: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """Settings of one job.

    Attributes:
        method: Name of the method.
        arch: Architecture of the target in torchvision.
        layers: Layers of the target.
        encoder: Architecture of the encoder in open_clip.
        images: Number of images; the first ones are used.
        device: Device of the networks.
        batch_size: Images of a forward pass.
        workers: Threads that decode.
        precision: Precision of the target and the encoder.
        more: Further overrides.
    """

    method: str
    arch: str
    layers: tuple[str, ...]
    encoder: str
    images: int
    device: str
    batch_size: int
    workers: int
    precision: str = "float32"
    more: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """The latest timing and the record of each layer, in order."""

    timings: list[dict[str, Any]]
    records: list[Any]


def make_files(
    folder: Path, arch: str, encoder: str, *, images: int, concepts: int | str, masked: bool = False
) -> Files:
    """Write the files of a job.

    Args:
        folder: Where to write them.
        arch: Architecture of the target in torchvision.
        encoder: Architecture of the encoder in open_clip.
        images: Number of images.
        concepts: Number of made-up words, or the name of a concept set.
        masked: Whether the images need masks.

    Raises:
        UserError: There is no such architecture.
    """
    network = make_network(folder / "network.pth", arch)
    weights = make_encoder(folder / "encoder.pt", encoder)
    candidates: tuple[str, ...] = (f"concepts={concepts}",)
    if str(concepts).isdigit():
        words = folder / "concepts.txt"
        lines = (f"word {number}\n" for number in range(int(concepts)))
        words.write_text("".join(lines), encoding="utf-8")
        candidates = ("concepts=file", f"concepts.params.path={words}")
    probe = folder / "images"
    (make_broden if masked else make_images)(probe, images)
    return Files(probe, masked, network, weights, candidates)


def compose_job(files: Files, setting: Setting, results: Path) -> Job:
    """Compose the job of a setting, without a truth and therefore without a judge."""
    from bench.config.compose import expand

    probe = ["probe=folder"]
    if files.masked:  # masks cover whole images: the network must see all of them
        probe = ["probe=broden", "target.params.input_size=224", "target.params.resize=224"]
    [job] = expand(
        [
            "board=speed",
            f"results={results}",
            "scoring=none",
            f"runtime.device={setting.device}",
            f"runtime.batch_size={setting.batch_size}",
            f"runtime.workers={setting.workers}",
            "target=torchvision",
            f"target.params.arch={setting.arch}",
            f"target.params.file={files.network}",
            f"target.layers=[{','.join(setting.layers)}]",
            f"target.precision={setting.precision}",
            f"method={setting.method}",
            *probe,
            f"probe.params.path={files.images}",
            f"probe.params.limit={setting.images}",
            *files.concepts,
            "encoder=open_clip",
            f"encoder.params.model={setting.encoder}",
            f"encoder.params.pretrained={files.encoder}",
            f"encoder.params.precision={setting.precision}",
            *setting.more,
        ]
    )
    return job


def run_job(job: Job) -> Outcome:
    """Run a job and read its costs.

    Raises:
        UserError: A requirement is missing, or the request is invalid.
        RuntimeError: A cell failed for another reason; with the error in its record.
    """
    from bench.run.execute import execute
    from bench.run.survey import plan
    from leaderboards.record import Record
    from leaderboards.storage import read_timings

    [planned] = plan([job])
    execute(planned)
    timings, records = [], []
    for cell in planned.cells:
        record = Record.read(cell.folder)
        if record.status != "ok":
            assert record.error is not None
            kind, message = record.error["type"], record.error["message"]
            if kind == UserError.__name__:
                raise UserError(message)
            raise RuntimeError(f"{cell.layer}: {kind}: {message}\n{record.error['traceback']}")
        runs, _ = read_timings(cell.folder)
        timings.append(runs[-1])
        records.append(record)
    return Outcome(timings, records)


def read_labels(job: Job) -> list[list[str]]:
    """Return the best label of each unit, "" for none, by layer."""
    from bench.run.labels import lists_by_unit
    from bench.run.plan import plan_job
    from leaderboards.record import Record
    from leaderboards.storage import read_descriptions

    best = []
    for cell in plan_job(job).cells:
        units = Record.read(cell.folder).target["units"]
        labels, _ = lists_by_unit(read_descriptions(cell.folder), units)
        best.append([names[0] if names else "" for names in labels])
    return best


def sum_phases(timings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up the phases of a job's layers; phases that the layers share count once.

    Args:
        timings: The timing of each layer.

    Returns:
        Phases in their order, as in a timing; parts have the name of their phase in front
        ("gather/decode"). Memory is the largest of all layers.
    """
    totals: dict[str, dict[str, Any]] = {}
    for number, timing in enumerate(timings):
        outer = ""
        for phase in timing["phases"]:
            name = str(phase["name"])
            outer = name if name in _PHASES else outer
            name = name if name in _PHASES else f"{outer}/{name}"
            if number and name not in _PER_LAYER:
                continue
            total = totals.setdefault(name, {"name": name, "cached": phase["cached"]})
            for key in ("wall_s", "device_s", "items"):
                total[key] = _combine(sum, total.get(key), phase[key])
            for key in ("peak_device_bytes", "peak_host_bytes"):
                total[key] = _combine(max, total.get(key), phase[key])
    return list(totals.values())


def _combine(function: Callable[[list[Any]], Any], *values: Any) -> Any:
    numbers = [value for value in values if value is not None]
    return function(numbers) if numbers else None


def phase_seconds(phases: Sequence[Mapping[str, Any]], name: str) -> float:
    """Return the wall seconds of a phase; 0 if there is none."""
    return next((float(phase["wall_s"]) for phase in phases if phase["name"] == name), 0.0)


def peak_memory(phases: Sequence[Mapping[str, Any]], kind: str) -> int | None:
    """Return the largest peak of all phases, of the "device" or the "host"; None if unknown."""
    peaks = [phase[key] for phase in phases if phase.get(key := f"peak_{kind}_bytes")]
    return max(peaks, default=None)
