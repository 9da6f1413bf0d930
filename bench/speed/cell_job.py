"""One job of a timing: files that were made up, the request that runs on them, what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import UserError
from bench.speed.cell_inputs import make_encoder, make_images, make_network, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.config.compose import Job

BRODEN = 63_305
"""Images of Broden, the probe set of CLIP-Dissect's timings."""

FIVE_LAYERS = ("conv1", "layer1", "layer2", "layer3", "layer4")
_PHASES = frozenset({"gather", "segment", "exemplars", "text", "match", "score"})
_PER_LAYER = frozenset({"match", "score"})
"""Phases that each layer has for itself; the others are shared by the layers of a job."""


@dataclass(frozen=True)
class Files:
    """What the jobs of a timing read.

    Attributes:
        images: A folder of JPEG files, or a tree in Broden's layout where `masked`.
        masked: Whether the images have masks.
        network: Weights of the target.
        encoder: Weights of the image-text encoder.
        concepts: The overrides that name the candidate labels.
    """

    images: Path
    masked: bool
    network: Path
    encoder: Path
    concepts: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """What one job does with them.

    Attributes:
        method: Its registered name.
        arch: The target's architecture in torchvision.
        layers: Its layers.
        encoder: The encoder's architecture in open_clip.
        images: How many; the first ones.
        device: Where it runs.
        batch_size: Images in a forward pass.
        workers: Threads that decode.
        precision: Of the target and the encoder.
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


def make_files(
    folder: Path,
    arch: str,
    encoder: str,
    *,
    images: int,
    concepts: str | int,
    masked: bool = False,
) -> Files:
    """Write images, random weights of both networks and a list of made-up words.

    Times need no real weights: networks of random weights cost the same.

    Args:
        folder: Where they go.
        arch: The target, in torchvision.
        encoder: The image-text encoder, in open_clip.
        images: How many.
        concepts: How many words to make up, or a concept set by its name.
        masked: Whether the images need masks.
    """
    candidates: tuple[str, ...] = (f"concepts={concepts}",)
    if str(concepts).isdigit():
        words = folder / "concepts.txt"
        lines = (f"word {number}\n" for number in range(int(concepts)))
        words.write_text("".join(lines), encoding="utf-8")
        candidates = ("concepts=file", f"concepts.params.path={words}")
    pictures = folder / "images"
    (make_tree if masked else make_images)(pictures, images)
    network = make_network(folder / "network.pth", arch)
    model = make_encoder(folder / "encoder.pt", encoder)
    return Files(pictures, masked, network, model, candidates)


def compose_job(files: Files, setting: Setting, results: Path) -> Job:
    """Compose the job of a setting, without a truth and so without a judge."""
    from bench.config.compose import expand

    probe = ["probe=folder"]
    if files.masked:  # masks are of whole images: the network must see all of them
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


@dataclass(frozen=True)
class Outcome:
    """What a job left on disk.

    Attributes:
        timings: The timed run of each layer.
        records: The record of each layer, in the same order.
    """

    timings: list[dict[str, Any]]
    records: list[Any]


def run_job(job: Job) -> Outcome:
    """Run a job and read what it cost.

    Raises:
        UserError: Something that it needs is not here, or it asks for what there is not.
        RuntimeError: A cell failed otherwise; with the error that stands in its record.
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
    """The best label of each unit, by layer; "" for none."""
    from bench.run.labels import lists_by_unit
    from bench.run.plan import plan_job
    from leaderboards.record import Record
    from leaderboards.storage import read_descriptions

    found = []
    for cell in plan_job(job).cells:
        units = Record.read(cell.folder).target["units"]
        labels, _ = lists_by_unit(read_descriptions(cell.folder), units)
        found.append([names[0] if names else "" for names in labels])
    return found


def sum_phases(timings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the phases of a job cost: what its layers share counts once, the rest is added up.

    Args:
        timings: The timed run of each layer.

    Returns:
        Phases in their order, as in a timing; a part is called after its phase as well
        ("gather/decode"). Memory is the greatest of all layers.
    """
    summed: dict[str, dict[str, Any]] = {}
    for number, timing in enumerate(timings):
        whole = ""
        for phase in timing["phases"]:
            name = str(phase["name"])
            whole = name if name in _PHASES else whole
            name = name if name in _PHASES else f"{whole}/{name}"
            if number and name not in _PER_LAYER:
                continue
            _add(summed.setdefault(name, {"name": name, "cached": phase["cached"]}), phase)
    return list(summed.values())


def _add(total: dict[str, Any], phase: Mapping[str, Any]) -> None:
    for key in ("wall_s", "device_s", "items"):
        total[key] = _of_known(sum, total.get(key), phase[key])
    for key in ("peak_device_bytes", "peak_host_bytes"):
        total[key] = _of_known(max, total.get(key), phase[key])


def _of_known(how: Callable[[list[Any]], Any], *values: Any) -> Any:
    known = [value for value in values if value is not None]
    return how(known) if known else None
