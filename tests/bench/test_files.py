import hashlib
import os
import time

import pytest

from bench import files


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))


def settled(path, content):
    """Writes a file whose time stamps are old enough to be remembered."""
    path.write_bytes(content)
    os.utime(path, (1e9, 1e9))
    return path


def test_hashes_are_right_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SETTLED_S", -1)
    path = settled(tmp_path / "a.bin", b"abc")
    expected = hashlib.sha256(b"abc").hexdigest()
    assert files.sha256_file(path) == expected
    monkeypatch.setattr(files, "_hash", lambda path: pytest.fail("read again"))
    assert files.sha256_file(path) == expected


def test_a_changed_file_is_hashed_again_even_with_its_old_time_stamp(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SETTLED_S", -1)
    path = settled(tmp_path / "a.bin", b"abc")
    files.sha256_file(path)
    time.sleep(0.02)
    settled(path, b"xyz")
    assert files.sha256_file(path) == hashlib.sha256(b"xyz").hexdigest()


def test_a_fresh_file_is_not_remembered(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    files.sha256_file(path)
    monkeypatch.setattr(files, "_hash", lambda path: "read again")
    assert files.sha256_file(path) == "read again"


def test_hashing_works_where_nothing_can_be_remembered(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "file" / "home"))
    assert files.sha256_file(tmp_path / "file") == hashlib.sha256(b"in the way").hexdigest()


def test_an_interrupted_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.txt"
    files.write_atomic(path, "old")

    def interrupted():
        with files.atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_interrupted_folder_never_appears(tmp_path):
    def interrupted():
        with files.atomic_folder(tmp_path / "out") as temporary:
            (temporary / "a").write_text("half")
            raise ValueError

    with pytest.raises(ValueError):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    with files.atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("whole")
    assert (tmp_path / "out" / "a").read_text() == "whole"
