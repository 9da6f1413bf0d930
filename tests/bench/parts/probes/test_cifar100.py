"""CIFAR-100 as its publisher packs it; and pickles that are up to no good."""

from __future__ import annotations

import pickle
import struct
import tarfile

import numpy as np
import pytest

from bench.errors import UserError
from bench.parts.probes import Cifar100Probe
from bench.parts.probes.pickled_arrays import read_pickled
from bench.parts.protocols import LabelledProbe, SegmentedProbe
from bench.run.identity import params_of
from tests.bench.parts.probes.cifar_made import contents, pickled, write_cifar100


@pytest.fixture
def files():
    return contents()


@pytest.fixture
def unpacked(tmp_path):
    return write_cifar100(tmp_path / "data")


def pack(folder):
    archive = folder.parent / "cifar-100-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    return archive


def test_the_test_pickle_is_python_2s(files):
    data = pickled(files["test"])
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in data
    assert b"_codecs" not in data
    assert b"U\x04data" in data
    # What the restricted reader says is what Python's own says.
    theirs = pickle.loads(data, encoding="bytes")
    ours = read_pickled(data)
    assert (theirs[b"data"] == ours["data"]).all()
    assert theirs[b"fine_labels"] == ours["fine_labels"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_protocols_are_read_too(files, protocol):
    told = read_pickled(pickle.dumps(files["test"], protocol=min(protocol, 4)))
    assert (told["data"] == files["test"][b"data"]).all()
    fortran = {"data": np.asfortranarray(files["test"][b"data"])}
    assert (read_pickled(pickle.dumps(fortran, protocol=2))["data"] == fortran["data"]).all()


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_and_classes_belong_together(unpacked, files, split):
    probe = Cifar100Probe(str(unpacked.parent), split)
    assert isinstance(probe, LabelledProbe)
    assert isinstance(probe, SegmentedProbe)
    told = files[split]
    assert len(probe) == len(told[b"data"])
    assert probe.class_names() == ("apple", "aquarium fish", "baby")
    by_pixels = {
        row.tobytes(): label for row, label in zip(told[b"data"], told[b"fine_labels"], strict=True)
    }
    seen = set()
    for index, label in enumerate(probe.image_classes()):
        image = probe.image(index)
        assert (image.mode, image.size) == ("RGB", (32, 32))
        planes = np.asarray(image).transpose(2, 0, 1).tobytes()
        assert by_pixels[planes] == label
        seen.add(planes)
    assert len(seen) == len(probe)


def test_packed_or_unpacked_it_is_the_same_set(unpacked, tmp_path, own_folders):
    before = Cifar100Probe(str(unpacked.parent))
    assert Cifar100Probe(str(unpacked)).fingerprint() == before.fingerprint()
    archive = pack(unpacked)
    packed = Cifar100Probe(str(archive))
    assert packed.fingerprint() == before.fingerprint()
    assert packed.masks_fingerprint() == before.masks_fingerprint()
    assert packed.image(3).tobytes() == before.image(3).tobytes()
    (own_folders / "cifar100").mkdir(parents=True)
    archive.rename(own_folders / "cifar100" / archive.name)
    assert Cifar100Probe().fingerprint() == before.fingerprint()
    assert params_of(before) == {"split": "test", "limit": None, "mask_size": 56}


def test_a_smaller_set_is_a_mixed_prefix(unpacked):
    whole, small = (Cifar100Probe(str(unpacked), "train", limit=limit) for limit in (None, 9))
    assert len(small) == 9
    assert [small.image(i).tobytes() for i in range(9)] == [
        whole.image(i).tobytes() for i in range(9)
    ]
    assert small.image_classes() == whole.image_classes()[:9]
    assert small.fingerprint() != whole.fingerprint()
    assert small.fingerprint() != Cifar100Probe(str(unpacked), "test", limit=9).fingerprint()


def test_the_fingerprint_follows_pixels(unpacked, files):
    before = Cifar100Probe(str(unpacked)).fingerprint()
    files["test"][b"data"][5, 7] ^= 1
    (unpacked / "test").write_bytes(pickled(files["test"]))
    assert Cifar100Probe(str(unpacked)).fingerprint() != before


class Evil:
    def __reduce__(self):
        return (open, ("written.txt", "w"))


def shell(module, name, argument):
    """A pickle that calls module.name(argument)."""
    return (
        b"\x80\x02c"
        + f"{module}\n{name}\n".encode()
        + b"X"
        + struct.pack("<I", len(argument))
        + argument.encode()
        + b"\x85R."
    )


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"data": Evil()}),
        shell("os", "system", "touch written.txt"),
        shell("posix", "system", "touch written.txt"),
        shell("builtins", "exec", "open('written.txt', 'w')"),
        shell("numpy", "load", "written.txt"),
        shell("numpy.core.multiarray", "fromfile", "written.txt"),
        shell("_codecs", "decode", "text"),
        b"\x80\x02}q\x00X\x04\x00\x00\x00dataP1\n.",
    ],
)
def test_a_pickle_that_would_run_something_is_refused(unpacked, tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    (unpacked / "test").write_bytes(data)
    with pytest.raises(
        UserError, match=r"not a file of CIFAR-100: .*(it imports|external object)"
    ) as caught:
        len(Cifar100Probe(str(unpacked)))
    assert caught.value.where.endswith(":test")
    assert not (tmp_path / "written.txt").exists()


@pytest.mark.parametrize(
    "change",
    [
        {b"data": np.zeros((20, 3071), np.uint8)},
        {b"data": np.zeros((19, 3072), np.uint8)},
        {b"data": np.zeros((20, 3072), np.float32)},
        {b"data": np.array([None] * 20)},
        {b"data": [1, 2]},
        {b"fine_labels": [0] * 19 + [3]},
        {b"fine_labels": [0] * 19 + ["x"]},
        {b"fine_labels": None},
    ],
)
def test_what_does_not_fit_together_is_refused(unpacked, files, change):
    (unpacked / "test").write_bytes(pickled(files["test"] | change))
    with pytest.raises(UserError):
        len(Cifar100Probe(str(unpacked)))


def test_damage_and_absence_are_the_users_error(unpacked, tmp_path):
    data = (unpacked / "test").read_bytes()
    for cut in range(0, len(data), 7001):
        (unpacked / "test").write_bytes(data[:cut])
        with pytest.raises(UserError):
            len(Cifar100Probe(str(unpacked)))
    (unpacked / "test").unlink()
    with pytest.raises(UserError, match="does not contain test"):
        len(Cifar100Probe(str(unpacked)))
    with pytest.raises(UserError, match="there is no"):
        len(Cifar100Probe(str(tmp_path / "none")))
    with pytest.raises(UserError) as caught:
        len(Cifar100Probe())
    assert caught.value.hint == "dissectbench fetch cifar100"
