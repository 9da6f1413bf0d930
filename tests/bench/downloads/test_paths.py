"""Paths as users write them."""

import pytest

from bench.downloads import paths
from bench.errors import UserError


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path))
    return tmp_path


def test_text_comes_with_any_line_ends_and_mark(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\rtwo\r\nthree\nfour")
    assert paths.read_text(str(tmp_path / "a.txt"), "x") == "one\ntwo\nthree\nfour"


@pytest.mark.parametrize("bad", [b"\xff", b"\x00"])
def test_undecodable_text_says_the_line(tmp_path, bad):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\rtwo\r\nth" + bad + b"ree")
    with pytest.raises(UserError) as caught:
        paths.read_text(str(path), "x")
    assert caught.value.where == f"{path}:3"


def test_a_missing_file_names_its_neighbours(tmp_path):
    (tmp_path / "words.txt").write_text("a")
    with pytest.raises(UserError) as caught:
        paths.require_file(str(tmp_path / "word.txt"), "concepts.params.path")
    assert caught.value.valid == (str(tmp_path / "words.txt"),)
    assert caught.value.where == "concepts.params.path"


def test_a_file_in_a_folders_place_is_not_its_own_neighbour(tmp_path):
    (tmp_path / "words.txt").write_text("a")
    with pytest.raises(UserError) as caught:
        paths.require_folder(str(tmp_path / "words.txt"), "probe.params.path")
    assert "not a folder" in str(caught.value)
    assert caught.value.valid == ()


def test_a_fetched_path_lies_in_the_data_folder(data):
    assert paths.user_path("fetched:cifar100") == data / "cifar100"
    inside = paths.user_path("fetched:tiny_imagenet/val/images")
    assert inside == data / "tiny-imagenet-200" / "val" / "images"


def test_what_was_not_fetched_names_the_command(data):
    with pytest.raises(UserError) as caught:
        paths.require_folder("fetched:cifar100", "probe.params.path")
    assert caught.value.hint == "dissectbench fetch cifar100"
    with pytest.raises(UserError) as caught:
        paths.require_folder("fetched:imagenet_val", "probe.params.path")
    assert "owners" in caught.value.hint
    (data / "imagenet_val").mkdir()
    assert paths.require_folder("fetched:imagenet_val", "") == data / "imagenet_val"


@pytest.mark.parametrize(
    "path", ["fetched:cifar10", "fetched:cifar100/../x", "fetched:cifar100//etc"]
)
def test_a_fetched_path_stays_what_it_says(data, path):
    with pytest.raises(UserError):
        paths.user_path(path)
