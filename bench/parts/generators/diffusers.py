"""Text-to-image models of diffusers, by name or from a folder."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.downloads.hub.models import find_model
from bench.errors import UserError
from bench.files import sha256_files
from bench.parts.checks import check_positive
from bench.parts.hugging_face import quiet_loading
from bench.parts.precision import Precision, check_precision
from bench.parts.view import square_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from baselines.generated import ImageGenerator
    from bench.parts.protocols import Fingerprint

GENERATOR_VERSION = 1
"""Incremented when equal models give other images; part of the fingerprint."""

_WHERE = "generator.params.model"


@dataclass(frozen=True)
class DiffusersGenerator:
    """A pipeline that diffusers loads as AutoPipelineForText2Image, such as Stable Diffusion.

    Images of a concept depend on the run's seed and, in their last digits, on the device.

    Attributes:
        model: A folder that the pipeline was saved to, or a name on the hub.
        revision: Branch, tag or commit on the hub.
        prompt: Text with {} for the concept.
        steps: Denoising steps.
        precision: Of weights and arithmetic: "float32", "float16" or "bfloat16".
    """

    summary: ClassVar[str] = "a text-to-image model of diffusers, by name or folder"
    packages: ClassVar[tuple[str, ...]] = ("diffusers", "transformers")

    model: str
    revision: str = "main"
    prompt: str = "One realistic image of {}"
    steps: int = 50
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_positive(self.steps, "generator.params.steps")
        check_precision(self.precision, "generator.params.precision")
        if "{}" not in self.prompt:
            raise UserError(
                "the prompt has no place for the concept",
                where="generator.params.prompt",
                hint="write {} where the concept stands",
            )

    def fingerprint(self) -> Fingerprint:
        """Return files or commit, the version of diffusers, and all parameters."""
        from importlib.metadata import version

        found = find_model(self.model, self.revision, where=_WHERE, config="model_index.json")
        if found.revision:
            identity: dict[str, Any] = {"hub": found.source, "commit": found.revision}
        else:
            root = Path(found.source)
            files = sorted(file for file in root.rglob("*") if file.is_file())
            hashes = sha256_files(files)
            identity = {
                file.relative_to(root).as_posix(): digest
                for file, digest in zip(files, hashes, strict=True)
            }
        return {
            "kind": "diffusers",
            "model": identity,
            "diffusers": version("diffusers"),
            "prompt": self.prompt,
            "steps": self.steps,
            "precision": self.precision,
            "version": GENERATOR_VERSION,
        }

    def load(self, device: str) -> ImageGenerator:
        """Build the pipeline and read its weights, without a connection for a folder."""
        import torch
        from diffusers import AutoPipelineForText2Image

        found = find_model(self.model, self.revision, where=_WHERE, config="model_index.json")
        options = {"revision": found.revision} if found.revision else {"local_files_only": True}
        try:
            with quiet_loading(offline=not found.revision), _quiet_pipelines():
                pipeline = AutoPipelineForText2Image.from_pretrained(found.source, **options)
        except Exception as error:  # each cause has a class of its own
            raise UserError(
                f"cannot load {self.model}: {error}",
                where=_WHERE,
                hint="give a text-to-image model of diffusers, by name or folder",
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        pipeline = pipeline.to(device, getattr(torch, self.precision))
        return TextToImage(pipeline, self.prompt, self.steps)


@contextmanager
def _quiet_pipelines() -> Iterator[None]:
    """Silence the progress bar and the advice of diffusers while it loads a pipeline."""
    from diffusers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


@dataclass(frozen=True, eq=False)
class TextToImage:
    """A loaded pipeline (`baselines.generated.ImageGenerator`).

    Attributes:
        pipeline: A text-to-image pipeline of diffusers, on its device.
        prompt: See `DiffusersGenerator`.
        steps: Denoising steps.
    """

    pipeline: Any
    prompt: str
    steps: int

    def images(self, concept: str, count: int, *, size: int, seed: int) -> NDArray[np.uint8]:
        """Return `count` images of a concept, one at a time, each with a seed of its own."""
        import torch

        text, pictures = self.prompt.replace("{}", concept), []
        for number in range(count):
            own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
            draw = torch.Generator().manual_seed(own)
            made = self.pipeline(text, num_inference_steps=self.steps, generator=draw).images[0]
            pictures.append(np.asarray(square_view(made.convert("RGB"), 1.0, size)))
        return np.stack(pictures)
