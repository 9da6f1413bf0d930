"""Run a job on files made up in the real formats, and read its costs and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.errors import UserError, nearest
from leaderboards.timings import PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.config.compose import Job

    Phases = Sequence[Mapping[str, Any]]

_DISTINCT = 1024
_DISTINCT_MASKS = 256
_SIZE = 224
_MASK = 112

BRODEN = 63_305
"""Number of images of Broden, the probe set of CLIP-Dissect's timings."""

FIVE_LAYERS = ("conv1", "layer1", "layer2", "layer3", "layer4")
_PER_LAYER = frozenset({"match", "score"})
"""Phases that run once per layer; the layers of a job share the others."""


@dataclass(frozen=True)
class Setting:
    """Settings of one job."""

    method: str
    arch: str  # target in torchvision
    layers: tuple[str, ...]
    encoder: str  # architecture in open_clip
    images: int  # the first ones are used
    device: str
    batch_size: int
    workers: int  # threads that decode
    precision: str = "float32"  # of target and encoder
    more: tuple[str, ...] = ()  # further overrides


def make_files(
    folder: Path, setting: Setting, concepts: int | str, *, masked: bool = False
) -> tuple[str, ...]:
    """Write the files of a job, and return the overrides that choose them.

    Args:
        folder: Where to write them; created if missing.
        setting: Its networks and its number of images are used.
        concepts: Number of made-up words, or the name of a concept set.
        masked: Whether the images need masks.

    Raises:
        UserError: There is no such network.
    """
    folder.mkdir(exist_ok=True)
    probe = folder / "images"
    files = [
        "probe=broden" if masked else "probe=folder",
        f"probe.params.path={probe}",
        f"target.params.file={make_network(folder / 'network.pth', setting.arch)}",
        f"encoder.params.pretrained={make_encoder(folder / 'encoder.pt', setting.encoder)}",
    ]
    if masked:  # masks cover whole images: the network must see all of them
        files += ["target.params.input_size=224", "target.params.resize=224"]
    if str(concepts).isdigit():
        words = folder / "concepts.txt"
        lines = (f"word {number}\n" for number in range(int(concepts)))
        words.write_text("".join(lines), encoding="utf-8")
        files += ["concepts=file", f"concepts.params.path={words}"]
    else:
        files.append(f"concepts={concepts}")
    (make_broden if masked else make_images)(probe, setting.images)
    return tuple(files)


def make_images(folder: Path, count: int) -> None:
    """Write JPEG files of smooth noise; beyond 1,024 they are links to these."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(count):
        file = folder / f"{number:06d}.jpg"
        if number < _DISTINCT:
            coarse = draw.integers(0, 256, (14, 14, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC)
            image.save(file, quality=90)
        else:
            file.hardlink_to(folder / f"{number % _DISTINCT:06d}.jpg")


def make_network(file: Path, arch: str) -> Path:
    """Save random weights of a torchvision network; raise UserError if there is none."""
    from torchvision.models import get_model, list_models

    return _save_random(file, "torchvision", arch, list_models(), get_model)


def make_encoder(file: Path, model: str) -> Path:
    """Save random weights of an open_clip model; raise UserError if there is none."""
    import open_clip

    return _save_random(file, "open_clip", model, open_clip.list_models(), open_clip.create_model)


def _save_random(
    file: Path, package: str, name: str, names: list[str], make: Callable[[str], Any]
) -> Path:
    import torch

    if name not in names:
        raise UserError(f"{package} has no network {name!r}", valid=nearest(name, names))
    torch.manual_seed(0)
    torch.save(make(name).state_dict(), file)
    return file


def make_broden(folder: Path, count: int) -> None:
    """Write a folder in Broden's layout, JPEG images and masks of 112 x 112.

    It has as many labels as Broden; beyond 256 images the index repeats the same files.
    """
    from bench.broden import BrodenLabel, MaskedImage, write_broden
    from bench.broden.layout import INDEX
    from bench.speed.maps_and_masks import BRODEN_LABELS, PLANES, random_masks

    distinct = min(count, _DISTINCT_MASKS)
    originals = folder.with_name("pictures")
    make_images(originals, distinct)
    masks = random_masks(BRODEN_LABELS, distinct, _MASK)
    images = []
    for number, image in enumerate(map(masks.image, range(distinct))):
        marks: dict[str, list[int | np.ndarray]] = {"scene": [image.scalars[0] + 1]}
        marks |= {name: [plane + 1] for name, plane in zip(PLANES, image.planes, strict=True)}
        images.append(MaskedImage(f"{number:06d}", marks, originals / f"{number:06d}.jpg"))
    labels = [BrodenLabel(at, one.name, one.category) for at, one in enumerate(masks.labels, 1)]
    write_broden(folder, images, labels, masks.categories, mask_size=masks.mask_size)
    index = folder / INDEX
    header, *rows = index.read_text(encoding="utf-8").splitlines(keepends=True)
    repeated = [rows[number % distinct] for number in range(count)]
    index.write_text("".join([header, *repeated]), encoding="utf-8")


def compose_job(files: Sequence[str], setting: Setting, results: Path) -> Job:
    """Compose the job of a setting, without a truth and therefore without a judge."""
    from bench.config.compose import expand

    overrides = [
        "board=speed",
        f"results={results}",
        "scoring=none",
        f"runtime.device={setting.device}",
        f"runtime.batch_size={setting.batch_size}",
        f"runtime.workers={setting.workers}",
        f"method={setting.method}",
        "target=torchvision",
        f"target.params.arch={setting.arch}",
        f"target.layers=[{','.join(setting.layers)}]",
        f"target.precision={setting.precision}",
        "encoder=open_clip",
        f"encoder.params.model={setting.encoder}",
        f"encoder.params.precision={setting.precision}",
        *files,
        f"probe.params.limit={setting.images}",
        *setting.more,
    ]
    [job] = expand(overrides)
    return job


def run_job(job: Job) -> tuple[list[dict[str, Any]], list[Any]]:
    """Run a job; return the latest timing and the record of each layer, in order.

    Raises:
        UserError: A requirement is missing, or the request is invalid.
        RuntimeError: A cell failed for another reason; with the error in its record.
    """
    from bench.run.execute import execute
    from bench.run.survey import plan
    from leaderboards.record import Record
    from leaderboards.timings import read_timings

    [planned] = plan([job])
    execute(planned)
    records = [Record.read(cell.folder) for cell in planned.cells]
    for cell, record in zip(planned.cells, records, strict=True):
        if error := record.error:
            if error["type"] == UserError.__name__:
                raise UserError(error["message"])
            message = f"{error['type']}: {error['message']}\n{error['traceback']}"
            raise RuntimeError(f"{cell.layer}: {message}")
    return [read_timings(cell.folder)[0][-1] for cell in planned.cells], records


def read_labels(job: Job) -> list[list[str]]:
    """Return the best label of each unit, "" for none, by layer."""
    from bench.run.labels import lists_by_unit
    from bench.run.plan import plan_job
    from leaderboards.record import Record
    from leaderboards.record_tables import read_descriptions

    best = []
    for cell in plan_job(job).cells:
        units = Record.read(cell.folder).target["units"]
        labels, _ = lists_by_unit(read_descriptions(cell.folder), units)
        best.append([names[0] if names else "" for names in labels])
    return best


def sum_phases(timings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up the phases of a job's layers; phases that the layers share count once.

    Returns:
        Phases in their order, as in a timing; parts have the name of their phase in front
        ("gather/decode"). Memory is the largest of all layers.
    """
    totals: dict[str, dict[str, Any]] = {}
    for number, timing in enumerate(timings):
        outer = ""
        for phase in timing["phases"]:
            name = str(phase["name"])
            outer = name if name in PHASES else outer
            name = name if name in PHASES else f"{outer}/{name}"
            if number and name not in _PER_LAYER:
                continue
            total = totals.setdefault(name, {"name": name, "cached": phase["cached"]})
            for key in ("wall_s", "device_s", "items", "peak_device_bytes", "peak_host_bytes"):
                values = [each[key] for each in (total, phase) if each.get(key) is not None]
                combine = max if key.endswith("_bytes") else sum
                total[key] = combine(values) if values else None
    return list(totals.values())


def phase_seconds(phases: Phases, *names: str) -> float:
    """Return the wall seconds of some phases together; 0 for those that did not run."""
    return sum(float(phase["wall_s"]) for phase in phases if phase["name"] in names)


def peak_memory(phases: Phases, kind: str) -> int | None:
    """Return the largest peak of all phases, of the "device" or the "host"; None if unknown."""
    return max(filter(None, (phase.get(f"peak_{kind}_bytes") for phase in phases)), default=None)
