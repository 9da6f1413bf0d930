"""The generator of diffusers, with a tiny Stable Diffusion of random weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="diffusers is not installed")

import torch
from diffusers import StableDiffusionPipeline

from bench.errors import UserError
from bench.parts.generators import DiffusersGenerator
from tests.bench.parts.generators.tiny_models import save_stable_diffusion

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("generator") / "pipeline")


def test_images_follow_from_seed_concept_and_number(folder: Path) -> None:
    made = DiffusersGenerator(model=str(folder), steps=2).load("cpu")
    two = made.images("red fox", 2, size=24, seed=3)
    assert (two.shape, two.dtype) == ((2, 24, 24, 3), np.uint8)
    assert not np.array_equal(two[0], two[1])
    again = DiffusersGenerator(model=str(folder), steps=2).load("cpu")
    assert np.array_equal(again.images("red fox", 1, size=24, seed=3), two[:1])
    assert not np.array_equal(again.images("red fox", 1, size=24, seed=4), two[:1])
    assert not np.array_equal(again.images("wolf", 1, size=24, seed=3), two[:1])


def test_an_image_is_the_pipelines_own(folder: Path) -> None:
    """The concept stands in the prompt, and nothing is added to what the pipeline draws."""
    made = DiffusersGenerator(model=str(folder), steps=2, prompt="a photo of {}").load("cpu")
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    seed = int(np.random.SeedSequence([3, 0]).generate_state(1)[0])
    draw = torch.Generator().manual_seed(seed)
    own = pipeline("a photo of fox", num_inference_steps=2, generator=draw).images[0]
    assert np.array_equal(made.images("fox", 1, size=own.width, seed=3)[0], np.asarray(own))


def test_loading_says_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    DiffusersGenerator(model=str(folder), precision="bfloat16").load("cpu")
    assert capfd.readouterr() == ("", "")


def test_the_fingerprint_follows_from_the_files(folder: Path) -> None:
    own = DiffusersGenerator(model=str(folder)).fingerprint()
    assert "unet/diffusion_pytorch_model.safetensors" in own["model"]
    assert not any(str(folder) in str(part) for part in own.values())
    assert DiffusersGenerator(model=str(folder), steps=7).fingerprint() != own


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "Nothing"}))
    with pytest.raises(UserError, match="cannot load") as caught:
        DiffusersGenerator(model=str(tmp_path)).load("cpu")
    assert caught.value.where == "generator.params.model"
