"""Archives that mean well, and archives that do not."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
import zipfile

import pytest

from bench.downloads import disk
from bench.downloads.unpack import BadArchiveError, Limits, unpack
from bench.errors import UserError

GOOD = {"root/a.txt": b"one", "root/deep/er/b.bin": bytes(5000), "root/empty": b""}
OUTSIDE = (
    "../x", "root/../../x", "root/deep/../../../x", "/etc/x", "C:/x", "C:x", "root\\..\\x", "..",
    "root/\nx",
)  # fmt: skip


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tarred(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is not None:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return path


MAKERS = {"zip": zipped, "tar": tarred}


@pytest.fixture
def into(tmp_path):
    (tmp_path / "inside" / "into").mkdir(parents=True)
    return tmp_path / "inside" / "into"


def content(folder):
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("root", ["", "root"])
def test_good_archives(tmp_path, into, kind, root):
    archive = MAKERS[kind](tmp_path / "a", GOOD.items())
    assert unpack(archive, kind, into, root=root) == (3, 5003)
    prefix = "root/" if root else ""
    assert content(into) == {name[len("root/" if root else "") :]: b for name, b in GOOD.items()}
    assert (into / f"{'' if root else prefix or 'root/'}a.txt").read_bytes() == b"one"


def test_folders_of_their_own_and_leading_dots(tmp_path, into):
    with tarfile.open(tmp_path / "a", "w") as archive:
        folder = tarfile.TarInfo("./root/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        archive.addfile(tarfile.TarInfo("./root/a"), io.BytesIO())
    assert unpack(tmp_path / "a", "tar", into, root="root") == (1, 0)
    assert content(into) == {"a": b""}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_leaves_the_folder(tmp_path, into, kind, name):
    archive = MAKERS[kind](tmp_path / "a", [("root/a", b"1"), (name, b"bad")])
    with pytest.raises(BadArchiveError, match="leaves the folder"):
        unpack(archive, kind, into)
    assert not [file for file in tmp_path.rglob("x") if file.is_file()]
    assert content(into) == {"root/a": b"1"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_no_links_and_devices_in_a_tar(tmp_path, into, kind):
    link = tarfile.TarInfo("link")
    link.type, link.linkname = kind, "../../target"
    archive = tarred(tmp_path / "a", [(link, None), ("link/x", b"through the link")])
    with pytest.raises(BadArchiveError, match="link or a device"):
        unpack(archive, "tar", into)
    assert not list(into.iterdir())


def test_no_links_in_a_zip(tmp_path, into):
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "../../target")
    with pytest.raises(BadArchiveError, match="link or a device"):
        unpack(tmp_path / "a", "zip", into)
    assert not list(into.iterdir())


def test_no_permissions_are_taken_over(tmp_path, into):
    member = tarfile.TarInfo("run")
    member.mode = 0o6777
    unpack(tarred(tmp_path / "a", [(member, b"#!")]), "tar", into)
    assert not (into / "run").stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)


@pytest.mark.parametrize("kind", MAKERS)
def test_not_more_than_the_limits(tmp_path, into, kind):
    archive = MAKERS[kind](tmp_path / "a", [(str(n), bytes(1000)) for n in range(10)])
    with pytest.raises(BadArchiveError, match="more than 9,999 bytes"):
        unpack(archive, kind, into, limits=Limits(total=9_999))
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(BadArchiveError, match="more than 9 files"):
        unpack(archive, kind, again, limits=Limits(files=9))
    exact = tmp_path / "exact"
    exact.mkdir()
    assert unpack(archive, kind, exact, limits=Limits(files=10, total=10_000)) == (10, 10_000)


@pytest.mark.parametrize("kind", MAKERS)
def test_one_name_one_file(tmp_path, into, kind):
    archive = MAKERS[kind](tmp_path / "a", [("a", b"1"), ("./a", b"2")])
    with pytest.raises(BadArchiveError, match="appears twice"):
        unpack(archive, kind, into)
    archive = MAKERS[kind](tmp_path / "b", [("b", b"1"), ("b/c", b"2")])
    with pytest.raises(BadArchiveError, match="is below a file"):
        unpack(archive, kind, into)


@pytest.mark.parametrize("kind", MAKERS)
def test_everything_is_below_the_expected_folder(tmp_path, into, kind):
    archive = MAKERS[kind](tmp_path / "a", [("__MACOSX/x", b"1"), ("root/a", b"2")])
    assert unpack(archive, kind, into, root="root") == (1, 1)
    for name in ("other/a", "root"):
        archive = MAKERS[kind](tmp_path / "a", [(name, b"1")])
        with pytest.raises(BadArchiveError, match="expected"):
            unpack(archive, kind, into, root="root")


@pytest.mark.parametrize("kind", MAKERS)
def test_damage_is_an_error_for_users(tmp_path, into, kind):
    archive = MAKERS[kind](tmp_path / "a", [("a", os.urandom(100_000))])
    whole = archive.read_bytes()
    holed = whole[:5_000] + bytes(99) + whole[5_099:]
    for number, damaged in enumerate((b"", b"no archive", whole[:50_000], holed)):
        archive.write_bytes(damaged)
        target = tmp_path / str(number)
        target.mkdir()
        with pytest.raises(BadArchiveError):
            unpack(archive, kind, target)


def test_a_password(tmp_path, into):
    archive = zipped(tmp_path / "a", [("a", b"1")])
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # "encrypted" in the local header, and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(data))
    with pytest.raises(BadArchiveError):
        unpack(archive, "zip", into)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_full_disk(tmp_path, into, kind, monkeypatch):
    archive = MAKERS[kind](tmp_path / "a", GOOD.items())

    def full(_file, _block):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "write_block", full)
    with pytest.raises(UserError, match="disk is full") as caught:
        unpack(archive, kind, into)
    assert not isinstance(caught.value, BadArchiveError)
