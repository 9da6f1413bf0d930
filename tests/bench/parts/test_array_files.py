"""Arrays in files: every format, and files that are damaged or hostile."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.errors import UserError
from bench.parts.array_files import OpenArray, parse_array_file
from bench.parts.image_names import read_texts

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
WHERE = "target.params.path"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def opened(setting: str) -> OpenArray:
    return parse_array_file(setting, WHERE).open()


def write(name: str, table: np.ndarray) -> None:
    writers = {
        ".npy": lambda: np.save(name, table),
        ".npz": lambda: np.savez(name, one=table, texts=np.array(["a", "b"])),
        ".safetensors": lambda: save_file({"one": torch.from_numpy(table)}, name),
        ".pt": lambda: torch.save({"state": {"one": torch.from_numpy(table)}}, name),
        ".pth": lambda: torch.save(
            torch.from_numpy(table), name, _use_new_zipfile_serialization=False
        ),
    }
    writers[Path(name).suffix]()


@pytest.mark.parametrize(
    "setting", ["a.npy", "a.npz::one", "a.safetensors", "a.pt::state.one", "a.pt", "a.pth"]
)
@pytest.mark.parametrize("kind", ["float32", "float16", "float64", "int16"])
def test_each_format_and_type(setting, kind):
    write(setting.partition("::")[0], TABLE.astype(kind))
    array = opened(setting)
    assert (array.shape, array.dtype) == ((4, 3), kind)
    array.require_shape("images x units")
    values = array.read()
    assert values.dtype == np.float32
    assert np.array_equal(values, TABLE)
    assert [len(block) for block in array.blocks(3)] == [3, 1]


def test_bfloat16():
    save_file({"one": torch.from_numpy(TABLE).bfloat16()}, "a.safetensors")
    assert opened("a.safetensors").dtype == "bfloat16"
    assert np.array_equal(opened("a.safetensors").read(), TABLE)


def test_large_files_are_mapped():
    write("a.npy", TABLE)
    assert isinstance(opened("a.npy").values, np.memmap)


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_code_in_files_is_not_run():
    np.save("a.npy", np.array([Attack()], dtype=object), allow_pickle=True)
    Path("b.npy").write_bytes(pickle.dumps(Attack()))
    np.savez("a.npz", one=np.array([Attack()], dtype=object))
    torch.save(Attack(), "a.pt")
    Path("b.pt").write_bytes(pickle.dumps(Attack()))
    for name in ("a.npy", "b.npy", "a.npz", "a.pt", "b.pt"):
        with pytest.raises(UserError, match=f"{name} holds Python objects, or is damaged"):
            opened(name)
    assert not Path("attacked").exists()


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.safetensors", "a.pt"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.6])
def test_truncated_files(name, part):
    write(name, np.zeros((100, 30), np.float32))
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UserError, match=name) as caught:
        opened(f"{name}::one" if name == "a.npz" else name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("missing.npy", "there is no file missing.npy"),
        ("a.csv", "a.csv is in no known format of arrays"),
        ("a.npz", "a.npz holds several"),
        ("a.npz::ones", "a.npz holds no array 'ones'"),
        ("a.npz::texts", "is an array of <U1, not of numbers"),
        ("cube.npy", r"has shape \[2, 2, 2\]"),
        ("empty.npy", r"has shape \[0, 3\]"),
    ],
)
def test_messages(setting, message):
    Path("a.csv").write_text("1,2")
    np.savez("a.npz", one=TABLE, texts=np.array(["a", "b"]))
    np.save("cube.npy", np.zeros((2, 2, 2)))
    np.save("empty.npy", np.zeros((0, 3)))
    with pytest.raises(UserError, match=message):
        opened(setting).require_shape("images x units")


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "float32"), (1e300, "float64")])
def test_the_first_value_that_is_not_finite_is_named(value, kind):
    table = TABLE.astype(kind)
    table[2, 1] = table[3, 0] = value
    write("a.npy", table)
    with pytest.raises(UserError, match=r"first at \[2, 1\]"):
        list(opened("a.npy").blocks(1))


def test_texts(tmp_path):
    Path("names.txt").write_bytes("\ufeffa b\r\nç\r\n".encode())
    assert read_texts("names.txt", WHERE) == ("a b", "ç")
    np.savez("names.npz", names=np.array(["a b", "ç"]))
    assert read_texts("names.npz::names", WHERE) == ("a b", "ç")
    Path("names.txt").write_text("a\n\nb\n")
    with pytest.raises(UserError, match="blank") as caught:
        read_texts("names.txt", WHERE)
    assert caught.value.where == "names.txt:2"
    Path("names.txt").write_text("")
    with pytest.raises(UserError, match=r"names\.txt is empty"):
        read_texts("names.txt", WHERE)
    np.save("numbers.npy", np.arange(3))
    with pytest.raises(UserError, match="not texts"):
        read_texts("numbers.npy", WHERE)
