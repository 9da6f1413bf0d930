"""Write a job's evidence as files, in the formats that the precomputed parts read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.broden.new_folder import new_folder
from bench.config.quoting import quote
from bench.config.schema import NONE
from bench.errors import UserError
from bench.evidence import Store, gather, text_embeddings
from bench.parts.image_names import find_image_names
from bench.run.exemplar_files import file_name
from bench.run.identity import fingerprint
from bench.run.shared import evidence_request
from bench.timing import Timer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.evidence.maps import LayerMaps
    from bench.run.plan import JobPlan


@dataclass(frozen=True)
class ExportedEvidence:
    """What was written.

    Attributes:
        layers: Shapes of the arrays, by layer.
        overrides: Settings of a run of the same method on the files.
    """

    layers: dict[str, tuple[int, ...]]
    overrides: tuple[str, ...]


def export_evidence(plan: JobPlan, out: Path, device: str, *, maps: bool) -> ExportedEvidence:
    """Gather a job's evidence, or read it from the cache, and write it.

    Files: activations/LAYER.npy float32 [N, U], or with `maps` maps/LAYER.npy float32
    [N, U, h, w]; names.txt, one image per line; where the method needs an encoder, images.npy
    float32 [N, D], texts.npy float32 [C, D] and words.txt, one label per line.

    Args:
        plan: The job.
        out: A folder that does not exist.
        device: Where networks run.
        maps: Whether to write maps in place of pooled activations.

    Raises:
        UserError: The folder exists, two layers have one file name, or evidence cannot be gathered.
    """
    selection = plan.selection
    files = _layer_files(selection.layers)
    store, timer = Store(plan.job.config.runtime.cache), Timer(device)
    request = evidence_request(plan, selection.layers, device, maps=maps)
    gathered = gather(request, store=store, timer=timer)
    embeddings, texts = gathered.image_embeddings(), None
    if selection.encoder is not None and embeddings is not None:
        texts = text_embeddings(
            selection.encoder, selection.words, store=store, timer=timer, device=device
        )
    folder = "maps" if maps else "activations"
    shapes = {}
    with new_folder(out) as temporary:
        (temporary / folder).mkdir()
        for layer, name in files.items():
            file = temporary / folder / f"{name}.npy"
            if maps:
                shapes[layer] = _write_maps(file, gathered.maps(layer))
            else:
                table = gathered.activations(layer).numpy()
                shapes[layer] = table.shape
                np.save(file, table)
        _write_lines(
            temporary / "names.txt",
            find_image_names(selection.probe) or map(str, range(gathered.n)),
        )
        if embeddings is not None and texts is not None:
            np.save(temporary / "images.npy", embeddings.numpy())
            np.save(temporary / "texts.npy", texts.embeddings.numpy())
            _write_lines(temporary / "words.txt", selection.words)
    settings = [
        *_target_settings(plan, out, folder, list(files.values())),
        *_probe_settings(plan, out),
        *(_encoder_settings(plan, out) if texts is not None else ()),
    ]
    replaced = {setting.partition("=")[0].partition(".")[0] for setting in settings}
    own = [
        text
        for text in plan.job.overrides
        if text.lstrip("+").partition("=")[0].partition(".")[0] not in replaced
    ]
    return ExportedEvidence(shapes, (*own, *settings))


def _target_settings(plan: JobPlan, out: Path, folder: str, layers: Sequence[str]) -> list[str]:
    """Return settings of a target that reads the files, with the job's true names."""
    target, config = plan.selection.target, plan.job.config.target
    settings = [
        "target=precomputed",
        f"target.params.path={_path(out / folder)}",
        f"target.params.names={_path(out / 'names.txt')}",
        f"target.layers=[{','.join(map(quote, layers))}]",
    ]
    share = getattr(target, "visible_share", 1.0)
    if getattr(target, "squashes", False):
        settings.append("target.params.squashes=true")
    elif share is not None and share <= 1:
        settings.append(f"target.params.visible_share={share:g}")
    if config.truth.name != NONE:
        settings.append(f"target.truth.name={config.truth.name}")
        settings += [
            f"+target.truth.params.{name}={quote(value) if isinstance(value, str) else value}"
            for name, value in config.truth.params.items()
        ]
        if config.truth_layer:
            settings.append(f"target.truth_layer={quote(file_name(config.truth_layer))}")
    return settings


def _probe_settings(plan: JobPlan, out: Path) -> list[str]:
    """Return settings of a probe set of names; none for a method that looks at images or masks."""
    if plan.selection.uses_masks or plan.selection.captioner is not None:
        return []
    return ["probe=precomputed", f"probe.params.names={_path(out / 'names.txt')}"]


def _encoder_settings(plan: JobPlan, out: Path) -> list[str]:
    """Return settings of an encoder and a concept set that read the files."""
    assert plan.selection.encoder is not None
    roles = {
        "images": "images.npy", "texts": "texts.npy", "words": "words.txt", "names": "names.txt",
    }  # fmt: skip
    settings = ["encoder=precomputed"]
    settings += [f"encoder.params.{role}={_path(out / file)}" for role, file in roles.items()]
    if tower := fingerprint(plan.selection.encoder).get("text_tower"):
        settings.append(f"encoder.params.text_tower={quote(str(tower))}")
    return [*settings, "concepts=file", f"concepts.params.path={_path(out / 'words.txt')}"]


def _path(path: Path) -> str:
    """Return a path as a value of an override, in quotes where it needs them."""
    text = str(path)
    return text if re.fullmatch(r"[\w.-]*/[\w./-]*", text) else quote(text)


def _layer_files(layers: Sequence[str]) -> dict[str, str]:
    """Return the name of each layer's file, without extension.

    Raises:
        UserError: Two layers have one name.
    """
    files = {layer: file_name(layer) for layer in layers}
    if len({name.casefold() for name in files.values()}) < len(files):
        raise UserError(
            "two layers would be written to one file",
            where="target.layers",
            hint="export them into different folders",
        )
    return files


def _write_maps(file: Path, maps: LayerMaps) -> tuple[int, ...]:
    shape = (maps.n_images, maps.n_units, *maps.map_size)
    array: NDArray[np.float32] = np.lib.format.open_memmap(file, "w+", np.float32, shape)
    if hasattr(os, "posix_fallocate"):  # a full disk raises an error, and does not end the process
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    start = 0
    for batch in maps.batches():
        array[start : start + len(batch)] = batch.numpy()
        start += len(batch)
    return shape


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    lines = list(lines)
    wrong = next((line for line in lines if line != line.strip() or "\n" in line or not line), None)
    if wrong is not None:
        raise UserError(
            f"{wrong!r} cannot be a line of {file.name}",
            hint="names and labels must have no line ends, and no blanks at either end",
        )
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
