"""Images of concepts from a folder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.generators import DiffusersGenerator, FolderGenerator
from bench.parts.protocols import GeneratorPart


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for at, name in enumerate(["red_car/b.png", "red_car/a.png", "Sun/deep/0.png", "loose.png"]):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10), (at * 50, 0, 0)).save(file)
    return root


def reds(images):
    return images[:, 0, 0, 0].tolist()


def test_images_of_a_concept_in_a_fixed_order(folder):
    part = FolderGenerator(str(folder))
    assert isinstance(part, GeneratorPart)
    source = part.load("cpu")
    found = source.images("red car", 10, size=8, seed=0)
    assert (found.dtype, found.shape) == (np.uint8, (2, 8, 8, 3))
    assert sorted(reds(found)) == [0, 50]
    assert reds(source.images("red car", 1, size=8, seed=1)) == reds(found)[:1]
    assert source.images("bicycle", 3, size=8, seed=0).shape == (0, 8, 8, 3)


@pytest.mark.parametrize("concept", ["sun", "the sun", "A Sun", "SUN"])
def test_case_and_article_do_not_matter(folder, concept):
    assert reds(FolderGenerator(str(folder)).images(concept, 5, size=4, seed=0)) == [100]


@pytest.mark.parametrize("concept", ["../images/Sun", "Sun/deep", "/etc", "", "."])
def test_a_concept_is_no_path(folder, concept):
    assert not len(FolderGenerator(str(folder)).images(concept, 5, size=4, seed=0))


def test_content_and_names_decide_the_fingerprint_and_the_place_does_not(folder, tmp_path):
    own = FolderGenerator(str(folder)).fingerprint()
    assert own["n"] == 4
    other = tmp_path / "elsewhere"
    shutil.copytree(folder, other)
    assert FolderGenerator(str(other)).fingerprint() == own
    Image.new("RGB", (20, 10), (1, 2, 3)).save(other / "red_car/a.png")
    assert FolderGenerator(str(other)).fingerprint() != own
    (folder / "Sun").rename(folder / "Moon")
    assert FolderGenerator(str(folder)).fingerprint() != own


def test_a_folder_that_cannot_serve_is_refused(folder, tmp_path):
    (folder / "red car").mkdir()
    shutil.copy(folder / "red_car/a.png", folder / "red car")
    with pytest.raises(UserError, match="name the same concept") as caught:
        FolderGenerator(str(folder)).fingerprint()
    assert caught.value.where == "generator.params.path"
    [need] = FolderGenerator(str(tmp_path / "nowhere")).unmet_requirements()
    assert need.where == "generator.params.path"


def test_a_diffusion_model_says_that_its_package_is_missing():
    from bench.downloads.packages import find_package
    from bench.downloads.requirements import unmet_requirements

    part = DiffusersGenerator("owner/model")
    assert isinstance(part, GeneratorPart)
    if find_package("diffusers") is None:
        [need] = unmet_requirements(part)
        assert (need.name, need.hint) == ("the package diffusers", "pip install diffusers")
    for wrong in ({"prompt": "an image"}, {"steps": 0}, {"precision": "int8"}):
        with pytest.raises(UserError, match=r"generator\.params"):
            DiffusersGenerator("owner/model", **wrong)
