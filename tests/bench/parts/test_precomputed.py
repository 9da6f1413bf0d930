"""Parts that read arrays: checked against each other and against the probe set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.errors import UserError
from bench.parts.catalog import ENCODERS, PROBES, TARGETS
from bench.parts.optional_protocols import GivesArrays, GivesEmbeddings
from bench.parts.protocols import LabelledProbe

DRAW = np.random.default_rng(0)
MAPS = DRAW.normal(size=(4, 3, 2, 5)).astype(np.float32)
NAMES = ("a.png", "b/c.png", "d.png", "e.png")


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("layers").mkdir()
    np.save("layers/conv.npy", MAPS)
    np.save("layers/fc.npy", MAPS[:, :, 0, 0])
    np.savez("layers.npz", conv=MAPS, fc=MAPS[:, :, 0, 0])
    Path("names.txt").write_text("\n".join(NAMES))
    np.save("images.npy", np.eye(4, 6, dtype=np.float16))
    np.save("texts.npy", np.arange(18, dtype=np.float32).reshape(3, 6))
    Path("words.txt").write_text("dog\ncat\ncar\n")


def target(path="layers", **params):
    return TARGETS.build("precomputed", {"path": path, **params})


def encoder(**params):
    files = {"images": "images.npy", "texts": "texts.npy", "words": "words.txt"}
    return ENCODERS.build("precomputed", {**files, **params})


def probe(**params):
    return PROBES.build("precomputed", {"names": "names.txt", **params})


@dataclass(frozen=True)
class Unnamed:
    n: int = 4

    def __len__(self):
        return self.n


@pytest.mark.parametrize(
    "path", ["layers", "layers.npz", {"conv": "layers/conv.npy", "fc": "layers.npz::fc"}]
)
def test_layers_of_a_target(path):
    part = target(path)
    assert isinstance(part, GivesArrays)
    assert hash(part) == hash(target(path))
    assert part.module_paths() == ("conv", "fc")
    conv, fc = part.arrays("conv", probe()), part.arrays("fc", Unnamed())
    assert (conv.n, conv.units, conv.map_size) == (4, 3, (2, 5))
    np.testing.assert_allclose(conv.activations(), MAPS.mean(axis=(2, 3)), rtol=1e-5)
    assert np.array_equal(np.concatenate(list(conv.maps())), MAPS)
    assert (fc.units, fc.map_size, fc.maps) == (3, None, None)
    assert np.array_equal(fc.activations(), MAPS[:, :, 0, 0])
    with pytest.raises(UserError, match="no activations of the layer 'convs'") as caught:
        part.arrays("convs", probe())
    assert caught.value.valid == ("conv",)
    with pytest.raises(UserError, match="this needs the network itself"):
        part.load("cpu")


def test_a_single_array_is_a_layer():
    assert target("layers/fc.npy").module_paths() == ("activations",)
    assert target("layers.npz::fc").module_paths() == ("activations",)


def test_content_decides_the_fingerprint():
    before = target(names="names.txt").fingerprint()
    assert before["arrays"]["conv"]["dtype"] == "float32"
    assert before == target(names="names.txt").fingerprint()
    assert before != target().fingerprint()
    np.save("layers/fc.npy", MAPS[:, :, 1, 1])
    assert target(names="names.txt").fingerprint() != before
    first = encoder().fingerprint()
    assert first["images"]["dtype"] == "float16"
    Path("words.txt").write_text("dog\ncar\ncat\n")
    assert encoder().fingerprint() != first
    whole = probe().fingerprint()
    Path("names.txt").write_text("\n".join(reversed(NAMES)))
    assert probe().fingerprint() != whole


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": 3}, "invalid path 3"),
        ({"path": {}}, "invalid path"),
        ({"path": "layers", "visible_share": 1.5}, "invalid share 1.5"),
    ],
)
def test_invalid_parameters_of_a_target(params, message):
    with pytest.raises(UserError, match=message):
        TARGETS.build("precomputed", params)


def test_missing_files_are_requirements():
    missing = [need.where for need in target("layer.npy::x").unmet_requirements()]
    missing += [need.where for need in encoder(words="none.txt").unmet_requirements()]
    missing += [need.where for need in probe(images="none").unmet_requirements()]
    assert missing == ["target.params.path", "encoder.params.words", "probe.params.images"]
    for part in (target(), target("layers.npz::fc"), encoder(), probe()):
        assert part.unmet_requirements() == ()


def test_rows_are_compared_with_the_images_of_the_probe_set():
    Path("other.txt").write_text("a.png\nb/c.png\ne.png\nd.png\n")
    message = r"row 2 of .* belongs to 'e.png', and image 2 of the probe set is 'd.png'"
    with pytest.raises(UserError, match=message):
        target(names="other.txt").arrays("fc", probe())
    with pytest.raises(UserError, match=message):
        encoder(names="other.txt").image_embeddings(probe())
    with pytest.raises(UserError, match="4 rows, and the probe set has 5 images"):
        target().arrays("fc", Unnamed(5))
    Path("short.txt").write_text("a.png\n")
    with pytest.raises(UserError, match="4 rows, and there are 1 names"):
        target(names="short.txt").arrays("fc", probe())


def test_embeddings():
    part = encoder()
    assert isinstance(part, GivesEmbeddings)
    assert np.array_equal(part.image_embeddings(probe()), np.eye(4, 6))
    part.check_embeddings(probe(), ("car", "dog"))
    texts = part.load("cpu").encode_texts(["car", "dog"])
    assert torch.equal(texts, torch.from_numpy(np.load("texts.npy")[[2, 0]]))
    with pytest.raises(UserError, match="2 of 3 texts have no embedding: 'Dog', 'cow'"):
        part.check_embeddings(probe(), ("Dog", "cow", "cat"))
    with pytest.raises(UserError, match="this embeds other images"):
        part.load("cpu").encode_images(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("dog\ncat\n", "2 words, and texts.npy has 3 rows"),
        ("dog\ncat\ndog\n", "'dog' twice, in rows 0 and 2"),
    ],
)
def test_words_that_do_not_fit(words, message):
    Path("words.txt").write_text(words)
    with pytest.raises(UserError, match=message):
        encoder().check_embeddings(probe(), ("dog",))


def test_embeddings_of_two_models():
    np.save("texts.npy", np.zeros((3, 5)))
    with pytest.raises(UserError, match="6 columns, and text embeddings 5"):
        encoder().image_embeddings(probe())


def test_a_probe_set_of_names():
    part = probe()
    assert len(part) == 4
    assert part.files == NAMES
    assert not part.has_images
    assert isinstance(part, LabelledProbe)
    assert (part.class_names(), list(part.image_classes())) == ((), [-1] * 4)
    with pytest.raises(UserError, match="names of images, and no images"):
        part.image(0)
    Path("classes.txt").write_text("dog\ncat\ndog\ncat\n")
    part = probe(classes="classes.txt")
    assert (part.class_names(), list(part.image_classes())) == (("cat", "dog"), [1, 0, 1, 0])
    Path("classes.txt").write_text("dog\n")
    with pytest.raises(UserError, match="1 classes, and there are 4 images"):
        probe(classes="classes.txt").class_names()


def test_a_probe_set_with_images():
    for number, name in enumerate(NAMES):
        Path("shown", name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2), (number, 0, 0)).save(Path("shown", name))
    part = probe(images="shown")
    assert part.image(1).getpixel((0, 0)) == (1, 0, 0)
    before = part.fingerprint()
    assert before != probe().fingerprint()
    Image.new("RGB", (3, 2), (9, 0, 0)).save(Path("shown", "d.png"))
    assert probe(images="shown").fingerprint() != before
    with pytest.raises(IndexError):
        part.image(4)
    Path("shown", "a.png").unlink()
    with pytest.raises(UserError, match="cannot read this image"):
        probe(images="shown").fingerprint()
