"""Folders of images by concept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bench.errors import UserError
from bench.parts.concept_images import ConceptImages, plain_name

if TYPE_CHECKING:
    from pathlib import Path


def put(folder: Path, *names: str) -> ConceptImages:
    for at, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(at + 1):
            Image.new("RGB", (4, 4), (at, number, 0)).save(folder / name / f"{number}.png")
    return ConceptImages(str(folder), where="--images")


def test_images_are_found_by_the_words_of_a_name(tmp_path: Path) -> None:
    images = put(tmp_path, "Night_Sky", "street-road", "étoile")
    assert images.names == ("night sky", "street road", "étoile")
    for concept, count in (("night sky", 1), ("street/road", 2), ("E\u0301TOILE", 3), ("sky", 0)):
        found = images.positions(concept)
        assert len(found) == count, concept
        shown = {images.probe.image(int(at)).getpixel((0, 0))[0] for at in found}
        assert shown == ({count - 1} if count else set())


@pytest.mark.parametrize("concept", ["../a", "..", "/etc", "a/../../b", "", "*"])
def test_a_concept_is_no_path(tmp_path: Path, concept: str) -> None:
    put(tmp_path / "out", "outside")
    images = put(tmp_path / "in", "b")
    assert len(images.positions(concept)) == 0


def test_two_folders_of_one_concept_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'Night_sky' and 'night-sky' name the same concept"):
        _ = put(tmp_path, "Night_sky", "night-sky").names


def test_plain_names() -> None:
    assert plain_name("  Street/Road_2 ") == "street road 2"
    assert plain_name("!?") == ""


@pytest.mark.parametrize(
    ("file", "message"), [("0.png", "no folder of a class"), ("", "no images")]
)
def test_messages_name_the_setting(tmp_path: Path, file: str, message: str) -> None:
    if file:
        Image.new("RGB", (4, 4)).save(tmp_path / file)
    with pytest.raises(UserError, match=message) as error:
        _ = ConceptImages(str(tmp_path), where="--images").probe
    assert error.value.where == "--images"
