"""The networks whose units are annotated for MILAN: other seeds, architectures and tasks.

None of them is a target of the embedded world or is shipped: each is trained again, within minutes,
before a decoder is trained.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import timm
import torch
import torchvision
from safetensors.torch import load_file

from bench.glyphs.train.loop import Recipe, Stage, fit
from bench.glyphs.train.targets import class_loss, logits
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES
from bench.glyphs.weights import load_state, save_arrays
from bench.glyphs.world import plan

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.glyphs.train.cache import RenderedSplit

_LOG = logging.getLogger(__name__)

CLASSES = {
    "objects": len(OBJECTS),
    "scenes": len(SCENES),
    "paints": len(COLOURS) * len(TEXTURES),
}
"""Number of classes of each task; a paint is a pair of colour and texture."""


def _recipe(seed: int, *stages: tuple[int, int], batch: int = 64) -> Recipe:
    return Recipe(tuple(Stage(*s) for s in stages), batch, rate=2e-3, seed=seed, warm=0.08)


@dataclass(frozen=True)
class Source:
    """A network whose units are described from exact masks.

    Attributes:
        architecture: Name in torchvision, or else in timm.
        task: Classes of its last layer: a key of ``CLASSES``.
        layers: Names of the annotated layers.
        recipe: Training settings, on the split ``train``.
        held_out: Whether it is used for measuring the decoder instead of training it.
    """

    architecture: str
    task: str
    layers: tuple[str, ...]
    recipe: Recipe
    held_out: bool = False

    @property
    def name(self) -> str:
        """Name such as ``regnet_x_400mf-objects``."""
        return f"{self.architecture}-{self.task}"


SOURCES: tuple[Source, ...] = (
    Source("shufflenet_v2_x1_0", "scenes", ("stage3", "conv5", "fc"),
           _recipe(43, (48, 48_000), (128, 12_000), batch=128)),
    Source("resnet18", "objects", ("layer2", "layer3", "layer4", "fc"),
           _recipe(41, (64, 48_000), (96, 24_000), (128, 12_000))),
    Source("googlenet", "objects", ("inception4a", "inception5b", "fc"),
           _recipe(45, (64, 48_000), (96, 12_000), (128, 12_000))),
    Source("regnet_x_400mf", "paints", ("trunk_output.block3", "trunk_output.block4", "fc"),
           _recipe(44, (64, 32_000), (128, 12_000))),
    Source("resnet10t", "objects", ("layer2", "layer3", "layer4", "fc"),
           _recipe(46, (64, 48_000), (96, 24_000), (128, 12_000)), held_out=True),
)  # fmt: skip
"""All sources, in the order of training."""


def task_labels(data: RenderedSplit, task: str, split: str = "train") -> NDArray[np.int64]:
    """Return the true class of each image of a split for a task of ``CLASSES``, int64 [N]."""
    if task == "objects":
        return data.objects
    if task == "scenes":
        return data.scenes
    mains = (plan(index, "val", split).things[0] for index in range(len(data.images)))
    paints = [thing.colour_id * len(TEXTURES) + thing.texture_id for thing in mains]
    return np.array(paints, dtype=np.int64)


def train_source(source: Source, data: RenderedSplit, scratch: Path, device: str) -> dict[str, Any]:
    """Train a source network into the scratch folder, unless it is there already.

    Returns:
        Record: name, layers, use, recipe.
    """
    path = weights_path(source, scratch)
    if not path.exists():
        torch.manual_seed(source.recipe.seed)
        model = _build(source)
        loss = class_loss(task_labels(data, source.task), device)
        checkpoint = scratch / f"{source.name}.ckpt"
        seconds = fit(model, data.images, loss, source.recipe, checkpoint, device, source.name)
        state = {key: value.cpu().numpy() for key, value in model.state_dict().items()}
        save_arrays(path, state)
        checkpoint.unlink()
        _LOG.info("%s trained in %.0f s", source.name, seconds)
    return {
        "name": source.name,
        "layers": list(source.layers),
        "held_out": source.held_out,
        "recipe": source.recipe.record(),
    }


def source_accuracy(source: Source, scratch: Path, data: RenderedSplit, count: int) -> float:
    """Return the share of the first ``count`` images of ``annotate`` that a source gets right."""
    found = logits(load_source(source, scratch), data.images[:count]).argmax(dim=1).numpy()
    return float((found == task_labels(data, source.task, "annotate")[:count]).mean())


def load_source(source: Source, scratch: Path) -> torch.nn.Module:
    """Load a trained source network in evaluation mode."""
    model = _build(source)
    load_state(model, load_file(weights_path(source, scratch)), source.name)
    return model.eval()


def weights_path(source: Source, scratch: Path) -> Path:
    """Return the file of a source's weights."""
    return scratch / f"source-{source.name}-{source.recipe.seed}.safetensors"


def _build(source: Source) -> torch.nn.Module:
    classes = CLASSES[source.task]
    if source.architecture not in torchvision.models.list_models():
        other: torch.nn.Module = timm.create_model(source.architecture, num_classes=classes)
        return other
    # GoogLeNet's initialisation takes minutes, and its auxiliary classifiers are not needed.
    plain = {"aux_logits": False, "init_weights": False, "transform_input": False}
    options = plain if source.architecture == "googlenet" else {}
    model: torch.nn.Module = torchvision.models.get_model(
        source.architecture, num_classes=classes, **options
    )
    return model
