"""Records in one archive: the same bytes each time, back as they were, and no stranger trusted."""

from __future__ import annotations

import gzip
import lzma
import os
import tarfile
import tempfile
from typing import TYPE_CHECKING

import pytest

from bench.downloads.unpack import Limits
from bench.errors import UserError
from bench.run import archive as module
from bench.run.archive import pack_records, record_folders, unpack_records
from leaderboards.files import gzip_bytes

if TYPE_CHECKING:
    from pathlib import Path

TABLE = b"unit,rank,label,score\n0,1,sea,0.5\n"
FILES = {
    "wpmi/0a/record.json": b'{"key": "0a"}\n',
    "wpmi/0a/descriptions.csv.gz": gzip_bytes(TABLE),
    "wpmi/0a/scores/5c.json": b"{}\n",
    "wpmi/0a/scores/5c.units.csv.gz": gzip_bytes(b"unit,truth\n0,sea\n"),
    "wpmi/0a/timings.jsonl": b"",
    "milan/1b/record.json": b'{"key": "1b"}\n',
    "milan/1b/run.log": b"done\r\n",
}


def lay(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def content(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay(tmp_path / "records", FILES)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "inside" / "into").mkdir(parents=True)
    return tmp_path / "inside" / "into"


def test_there_and_back(root: Path, into: Path, tmp_path: Path) -> None:
    packed = pack_records(root, tmp_path / "a.tar.xz")
    assert (packed.records, packed.files, packed.left_out) == (2, 7, ())
    unpack_records(tmp_path / "a.tar.xz", into)
    assert content(into) == FILES
    pack_records(into, tmp_path / "b.tar.xz")
    assert (tmp_path / "a.tar.xz").read_bytes() == (tmp_path / "b.tar.xz").read_bytes()


def test_the_same_records_are_the_same_bytes(root: Path, tmp_path: Path) -> None:
    """Whatever the order on disk, times, permissions, and the packing of the tables."""
    pack_records(root, tmp_path / "a.tar.xz")
    other = lay(tmp_path / "other", dict(reversed(FILES.items())))
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    (other / "milan/1b/run.log").chmod(0o600)
    (other / "wpmi/0a/descriptions.csv.gz").write_bytes(gzip.compress(TABLE, 1, mtime=5))
    pack_records(other, tmp_path / "b.tar.xz")
    assert (tmp_path / "a.tar.xz").read_bytes() == (tmp_path / "b.tar.xz").read_bytes()
    (other / "milan/1b/run.log").write_bytes(b"done\n")
    pack_records(other, tmp_path / "b.tar.xz")
    assert (tmp_path / "a.tar.xz").read_bytes() != (tmp_path / "b.tar.xz").read_bytes()


def test_tables_lie_plain_in_one_stream(root: Path, tmp_path: Path) -> None:
    pack_records(root, tmp_path / "a.tar.xz")
    with tarfile.open(tmp_path / "a.tar.xz", "r:xz") as tar:
        members = tar.getmembers()
        table = tar.extractfile("wpmi/0a/descriptions.csv")
        assert table is not None
        assert table.read() == TABLE
    assert [member.name for member in members] == sorted(name.removesuffix(".gz") for name in FILES)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} == {(0, 0, 0, "", 0o644)}


def test_what_belongs_to_no_record_is_named_and_unfinished_writes_are_passed_over(
    root: Path, tmp_path: Path
) -> None:
    lay(root, {"NOTES.md": b"!", "wpmi/.2c.tmp/record.json": b"{", "wpmi/0a/.lock": b""})
    packed = pack_records(root, tmp_path / "a.tar.xz")
    assert packed.left_out == (root / "NOTES.md",)
    assert packed.files == len(FILES)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("wpmi/0a/plain.csv", TABLE, "must be compressed"),
        ("wpmi/0a/a b", b"", "cannot be part of a path"),
        ("wpmi/0a/torn.csv.gz", gzip_bytes(TABLE)[:-9], "cannot be read"),
        ("wpmi/0a/none.csv.gz", TABLE, "cannot be read"),
    ],
)
def test_files_that_would_not_come_back(
    name: str, data: bytes, says: str, root: Path, tmp_path: Path
) -> None:
    lay(root, {name: data})
    (tmp_path / "a.tar.xz").write_bytes(b"old")
    with pytest.raises(UserError, match=says) as caught:
        pack_records(root, tmp_path / "a.tar.xz")
    assert caught.value.where == str(root / name)
    assert caught.value.hint
    assert (tmp_path / "a.tar.xz").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.xz", "records"}


def test_a_link_is_not_packed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (root / "wpmi" / "0a" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match="link"):
        pack_records(root, tmp_path / "a.tar.xz")


def test_nothing_is_made_that_would_not_be_read(
    root: Path, tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_records(root, tmp_path / "a.tar.xz")
    for limits in (Limits(files=6), Limits(total=60)):
        monkeypatch.setattr(module, "LIMITS", limits)
        with pytest.raises(UserError, match="the limit of an archive"):
            pack_records(root, tmp_path / "b.tar.xz")
        with pytest.raises(UserError, match="contains more than"):
            unpack_records(tmp_path / "a.tar.xz", into)
        assert not (tmp_path / "b.tar.xz").exists()
        for path in into.iterdir():
            path.rename(tmp_path / f"gone{limits.total}{path.name}")


def special(kind: bytes, name: str = "x", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    ("member", "says"),
    [
        ("../x", "leaves the folder"),
        ("a/../../x", "leaves the folder"),
        ("/x", "leaves the folder"),
        ("C:/x", "leaves the folder"),
        ("wpmi/0a/record.json", "appears twice"),
        ("wpmi/0a/record.json/x", "is below a file"),
        ("wpmi/0a/descriptions.csv", "both"),
        (special(tarfile.SYMTYPE), "link or a device"),
        (special(tarfile.LNKTYPE), "link or a device"),
        (special(tarfile.CHRTYPE), "link or a device"),
        (special(tarfile.FIFOTYPE), "link or a device"),
        (special(tarfile.REGTYPE, size=1 << 60), "damaged"),
        (special(tarfile.REGTYPE, size=-512), "claims a size of -512"),
        (special(tarfile.XHDTYPE, size=1 << 40), "claims a size"),
        (special(tarfile.GNUTYPE_LONGNAME, size=1 << 40), "claims a size"),
    ],
    # An id must be the same in every process.
    ids=lambda value: value if isinstance(value, str) else f"type {value.type.decode()}",
)
def test_hostile_members(
    member: tarfile.TarInfo | str, says: str, tmp_path: Path, into: Path
) -> None:
    path = tmp_path / "a.tar.xz"
    with lzma.open(path, "wb") as stream:
        for name, data in (*FILES.items(), (member, b"x")):
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = info.size or len(data)
            stream.write(info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512))
        stream.write(bytes(10240))
    with pytest.raises(UserError, match=says) as caught:
        unpack_records(path, into)
    assert caught.value.where == str(path)
    assert "dissectbench pack" in caught.value.hint
    assert not (into.parent / "x").exists()


@pytest.mark.parametrize("kept", [0, 5, 40, 0.5, -1])
def test_damaged_archives(kept: float, root: Path, into: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.xz"
    pack_records(root, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))] if isinstance(kept, float) else data[:kept])
    with pytest.raises(UserError, match=r"damaged|not an archive of records") as caught:
        unpack_records(path, into)
    assert caught.value.where == str(path)
    assert "dissectbench pack" in caught.value.hint
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
def test_a_changed_byte_is_noticed(place: float, root: Path, into: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.xz"
    pack_records(root, path)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        unpack_records(path, into)


def test_archives_are_folders_for_a_while(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    pack_records(root, tmp_path / "a.tar.xz")
    given = [tmp_path / "a.tar.xz", root, tmp_path / "a.tar.xz", tmp_path / "missing"]
    with record_folders(given) as folders:
        assert folders[1::2] == given[1::2]
        assert folders[0] != folders[2]
        assert content(folders[0]) == content(folders[2]) == FILES
    with pytest.raises(KeyError), record_folders(given):
        raise KeyError
    assert list((tmp_path / "scratch").iterdir()) == []
