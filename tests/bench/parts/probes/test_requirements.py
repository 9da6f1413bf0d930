"""What probe sets say they need, before anything else is asked of them."""

from __future__ import annotations

import pytest
from PIL import Image

from bench.config.compose import expand
from bench.downloads.catalog import BY_NAME
from bench.downloads.requirements import Requirement
from bench.parts import choice
from bench.parts.catalog import PROBES

CHOICES = {
    "broden1_224": ["broden1_224"],
    "broden1_227": ["broden1_227"],
    "cifar100_train": ["cifar100"],
    "cifar100_val": ["cifar100"],
    "imagenet_val": ["imagenet_val"],
    "places365_val": ["places365_val"],
    "tiny_imagenet": ["tiny_imagenet"],
    "imagenet_broden": ["imagenet_val", "broden1_224"],
}
PATHS = {"cifar100": "cifar100", "tiny_imagenet": "tiny-imagenet-200"}


def built(name):
    [job] = expand([f"probe={name}"])
    from omegaconf import OmegaConf

    return PROBES.build(job.config.probe.name, OmegaConf.to_container(job.config.probe.params))


@pytest.mark.parametrize("name", CHOICES)
def test_unmet_requirements_of_a_choice(name, own_folders):
    found = built(name).unmet_requirements()
    assert [
        requirement.hint.rpartition("fetch ")[2].strip("`") for requirement in found
    ] == CHOICES[name]
    assert all(requirement.size > 10**8 for requirement in found)
    assert not any(requirement.automatic for requirement in found)
    for entry in CHOICES[name]:
        folder = own_folders / PATHS.get(entry, entry)
        for inside in ("", *BY_NAME[entry].contents):
            (folder / inside).mkdir(parents=True, exist_ok=True)
    assert built(name).unmet_requirements() == ()


def test_the_imagenet_broden_choice_has_the_papers_order(own_folders):
    assert choice.build("probe", "imagenet_broden", "probe").of == ("imagenet_val", "broden1_224")
    assert choice.build("probe", "cifar100_val", "probe").split == "test"
    assert choice.build("probe", "cifar100_train", "probe").split == "train"


@pytest.mark.parametrize("name", ["folder", "class_folder", "broden"])
def test_a_path_of_the_users_own_that_is_not_there(name, tmp_path):
    [requirement] = PROBES.build(name, {"path": str(tmp_path / "none")}).unmet_requirements()
    assert "none" in requirement.name
    assert requirement.where == "probe.params.path"
    assert requirement.size is None
    assert PROBES.build(name, {"path": str(tmp_path)}).unmet_requirements() == ()


def test_tables_and_kits_that_are_named_are_needed_too(tmp_path):
    here = str(tmp_path)
    for name, field in (
        ("class_folder", "names"), ("imagenet_val", "devkit"), ("places365_val", "filelist"),
    ):  # fmt: skip
        [requirement] = PROBES.build(
            name, {"path": here, field: here + "/none"}
        ).unmet_requirements()
        assert requirement.where == f"probe.params.{field}"


def test_a_union_names_each_thing_once(tmp_path):
    union = PROBES.build("union", {"of": ["cifar100_train", "cifar100_val", "glyphs_val"]})
    [requirement] = union.unmet_requirements()
    assert isinstance(requirement, Requirement)
    assert "cifar100" in requirement.hint


def test_a_name_that_cannot_be_fetched_is_told():
    [requirement] = PROBES.build("folder", {"path": "fetched:cifar10000"}).unmet_requirements()
    assert requirement.name == "fetched:cifar10000"  # "... is not here"
    assert "cifar100" in requirement.similar
    assert "fetch --list" in requirement.hint


def test_a_folder_that_was_fetched_is_read_where_it_lies(own_folders):
    (own_folders / "imagenet_val").mkdir(parents=True)
    Image.new("RGB", (4, 4), (9, 9, 9)).save(own_folders / "imagenet_val" / "a.png")
    probe = PROBES.build("folder", {"path": "fetched:imagenet_val"})
    assert probe.image(0).getpixel((0, 0)) == (9, 9, 9)
    assert len(built("imagenet_val")) == 1
