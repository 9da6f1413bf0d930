"""From an entry to the thing in its place, and what stays where that fails."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import tarfile
import zipfile

import pytest
from filelock import FileLock

from bench.downloads import disk
from bench.downloads.data_folder import INCOMING, incoming_path, inspect_entry, path_of, read_ledger
from bench.downloads.fetch import fetch
from bench.downloads.unpack import Limits
from bench.errors import UserError
from bench.offline import offline
from tests.bench.downloads.server import entry_of, left_in

WORDS = b"the\nof\nand\n"
SHA256 = hashlib.sha256(WORDS).hexdigest()
MD5 = hashlib.md5(WORDS).hexdigest()
WRONG = "0" * 64


def a_zip(members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def a_tar_with_a_link():
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        link = tarfile.TarInfo("tree/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    return held.getvalue()


TREE = {"tree/index.csv": b"image\n", "tree/images/1.jpg": bytes(3000)}


@pytest.fixture
def words(site):
    site.files["/words.txt"] = WORDS
    return entry_of(site, size=len(WORDS), sha256=SHA256, md5=MD5)


@pytest.fixture
def tree(site):
    site.files["/tree.zip"] = a_zip(TREE)
    return entry_of(
        site, "/tree.zip", path="tree", kind="zip", root="tree", contents=("index.csv", "images")
    )


def test_a_file_is_fetched_once(site, words, data, hasty):
    came = fetch(words, data, retry=hasty)
    assert came.new
    assert came.checked == "sha256 and md5 as published"
    assert came.path == path_of(words, data) == data / "lists/words.txt"
    assert came.path.read_bytes() == WORDS
    assert left_in(data) == {"lists/words.txt", "fetched.json"}
    assert read_ledger(data)["words"]["sha256"] == SHA256
    assert not fetch(words, data, retry=hasty).new
    assert len(site.asked) == 1


def test_a_damaged_file_is_fetched_anew(site, words, data, hasty):
    for damage in (b"short", b"THE" + WORDS[3:]):
        path_of(words, data).parent.mkdir(parents=True, exist_ok=True)
        path_of(words, data).write_bytes(damage)
        assert inspect_entry(words, data).kind == "damaged"
        assert fetch(words, data, retry=hasty).new
        assert path_of(words, data).read_bytes() == WORDS
    assert inspect_entry(words, data).kind == "here"


@pytest.mark.parametrize("wrong", [{"sha256": WRONG}, {"md5": WRONG[:32]}])
def test_a_wrong_checksum_leaves_nothing(site, words, data, hasty, wrong):
    entry = entry_of(site, **{"md5": MD5, "sha256": SHA256, **wrong}, checked_by="the publisher")
    with pytest.raises(UserError, match=f"its {next(iter(wrong))} is .*the publisher"):
        fetch(entry, data, retry=hasty)
    assert left_in(data) == set()


def test_a_wrong_checksum_leaves_what_was_there(site, words, data, hasty):
    path_of(words, data).parent.mkdir(parents=True)
    path_of(words, data).write_bytes(b"older")
    site.files["/words.txt"] = b"x" * len(WORDS)
    with pytest.raises(UserError, match="sha256"):
        fetch(words, data, retry=hasty)
    assert path_of(words, data).read_bytes() == b"older"


def test_the_first_digits_of_a_sha256_are_held_to(site, words, data, hasty):
    wrong = entry_of(site, sha256_prefix="0" * 8, checked_by="its name")
    with pytest.raises(UserError, match="does not begin with 00000000"):
        fetch(wrong, data, retry=hasty)
    assert left_in(data) == set()
    entry = entry_of(site, sha256_prefix=SHA256[:8], checked_by="its name")
    assert fetch(entry, data, retry=hasty).checked == (
        "the first 8 digits of the sha256 as published"
    )
    path_of(entry, data).write_bytes(b"THE" + WORDS[3:])
    assert inspect_entry(entry, data).kind == "damaged"
    (data / "fetched.json").unlink()
    assert inspect_entry(entry, data).kind == "damaged"
    path_of(entry, data).write_bytes(WORDS)
    assert inspect_entry(entry, data).kind == "here"


def test_a_wrong_size_leaves_nothing(site, words, data, hasty):
    site.files["/words.txt"] = WORDS + b"more\n"
    with pytest.raises(UserError, match="offers"):
        fetch(words, data, retry=hasty)
    site.length = False
    with pytest.raises(UserError, match="more than"):
        fetch(words, data, retry=hasty)
    site.files["/words.txt"] = WORDS[:-1]
    with pytest.raises(UserError, match="cannot fetch"):
        fetch(words, data, retry=hasty)
    assert not path_of(words, data).exists()


def test_404_leaves_nothing(site, words, data, hasty):
    del site.files["/words.txt"]
    with pytest.raises(UserError, match="404"):
        fetch(words, data, retry=hasty)
    assert left_in(data) == set()


def test_without_a_published_hash_the_first_one_is_kept_to(site, words, data, hasty):
    entry = entry_of(site)
    assert "now on record" in fetch(entry, data, retry=hasty).checked
    path_of(entry, data).unlink()
    assert fetch(entry, data, retry=hasty).checked == "sha256 as at the first download"
    path_of(entry, data).write_bytes(b"changed here")
    assert inspect_entry(entry, data).kind == "damaged"
    site.files["/words.txt"] = b"changed there"
    with pytest.raises(UserError, match="another file than at its first download"):
        fetch(entry, data, retry=hasty)
    (data / "fetched.json").write_text("{}")
    path_of(entry, data).unlink()
    assert fetch(entry, data, retry=hasty).path.read_bytes() == b"changed there"


def test_an_archive_is_unpacked_and_not_kept(site, tree, data, hasty):
    came = fetch(tree, data, retry=hasty)
    assert left_in(data) == {"tree/index.csv", "tree/images/1.jpg", "fetched.json"}
    assert (came.path / "images/1.jpg").read_bytes() == bytes(3000)
    assert read_ledger(data)["words"] | {"files": 2, "bytes": 3006} == read_ledger(data)["words"]
    assert not fetch(tree, data, retry=hasty).new
    assert len(site.asked) == 1


def test_a_damaged_tree_is_seen_and_replaced(site, tree, data, hasty):
    fetch(tree, data, retry=hasty)
    (data / "tree/images/1.jpg").write_bytes(b"")
    assert inspect_entry(tree, data).kind == "here"
    assert inspect_entry(tree, data, count_files=True).kind == "damaged"
    (data / "tree/index.csv").unlink()
    (data / "tree/stray").write_text("")
    assert inspect_entry(tree, data).kind == "damaged"
    fetch(tree, data, retry=hasty)
    assert inspect_entry(tree, data, count_files=True).kind == "here"
    assert not (data / "tree/stray").exists()


@pytest.mark.parametrize(
    ("kind", "content", "fault"),
    [
        ("zip", a_zip(TREE | {"../x": b"bad"}), "leaves the folder"),
        ("zip", a_zip(TREE | {"tree/../../x": b"bad"}), "leaves the folder"),
        ("zip", a_zip({"tree/other": b""}), "contains no index.csv"),
        ("zip", a_zip({"other/index.csv": b""}), "outside the expected folder"),
        ("zip", a_zip(TREE | {f"tree/{n}": b"" for n in range(9)}), "more than 9 files"),
        ("zip", a_zip(TREE | {"tree/large": bytes(99_999)}), "more than 50,000 bytes"),
        ("zip", b"<html>sorry</html>", "damaged"),
        ("tar", a_tar_with_a_link(), "a link"),
        ("tar", b"<html>sorry</html>", "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # which holds the time
)
def test_a_bad_archive_leaves_nothing(site, data, hasty, kind, content, fault):
    site.files["/tree"] = content
    entry = entry_of(site, "/tree", path="tree", kind=kind, root="tree", contents=("index.csv",))
    with pytest.raises(UserError, match=fault):
        fetch(entry, data, retry=hasty, limits=Limits(files=9, total=50_000))
    assert left_in(data) == set()
    assert not (data / "tree").exists()
    assert not (data.parent / "x").exists()


def test_a_disk_that_is_full_while_unpacking_keeps_the_archive(
    site, tree, data, hasty, monkeypatch
):
    true_write = disk.write_block

    def full(file, block):
        if len(block) == 3000:
            raise OSError(errno.ENOSPC, "No space left on device")
        true_write(file, block)

    monkeypatch.setattr(disk, "write_block", full)
    with pytest.raises(UserError, match="disk is full"):
        fetch(tree, data, retry=hasty)
    assert left_in(data) == {f"{INCOMING}/words/tree.zip"}
    monkeypatch.setattr(disk, "write_block", true_write)
    site.files.clear()
    assert fetch(tree, data, retry=hasty).new
    assert left_in(data) == {"tree/index.csv", "tree/images/1.jpg", "fetched.json"}


def test_a_disk_that_is_full_while_fetching_keeps_the_part(site, words, data, hasty, monkeypatch):
    def full(_file, _block):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "write_block", full)
    with pytest.raises(UserError, match="disk is full"):
        fetch(words, data, retry=hasty)
    assert left_in(data) == {f"{INCOMING}/words/words.txt.part{end}" for end in ("", ".json")}
    assert inspect_entry(words, data).kind == "missing"


def test_a_copy_from_elsewhere_is_checked_in_the_same_way(site, words, data, hasty, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_bytes(WORDS)
    with offline():
        fetch(words, data, source=str(mine))
    assert not site.asked
    assert mine.read_bytes() == WORDS
    path_of(words, data).unlink()
    site.files["/mirror"] = WORDS
    fetch(words, data, source=f"{site.url}/mirror", retry=hasty)
    assert site.asked[0]["path"] == "/mirror"
    path_of(words, data).unlink()
    mine.write_bytes(b"other")
    with pytest.raises(UserError, match="its size is 5"):
        fetch(words, data, source=str(mine))
    with pytest.raises(UserError, match="no file"):
        fetch(words, data, source=str(tmp_path / "none"))
    assert mine.exists()


def test_a_file_that_waits_for_us_is_taken(site, words, data):
    incoming_path(words, data).parent.mkdir(parents=True)
    incoming_path(words, data).write_bytes(WORDS)
    assert fetch(words, data).new
    assert not site.asked


def test_offline_asks_nobody(site, words, data, monkeypatch):
    with offline(), pytest.raises(UserError, match="connections are disabled") as caught:
        fetch(words, data)
    assert "--from FILE" in caught.value.hint
    monkeypatch.setenv("DISSECTBENCH_OFFLINE", "1")
    with pytest.raises(UserError, match="connections are disabled"):
        fetch(words, data)
    assert not site.asked


def test_one_process_at_a_time(words, data):
    (data / INCOMING).mkdir(parents=True)
    with (
        FileLock(data / INCOMING / "words.lock"),
        pytest.raises(UserError, match="another process"),
    ):
        fetch(words, data)


def test_a_note_tells_what_to_do_where_the_server_is_away(site, data, hasty):
    entry = entry_of(site, "/none", note="ask a friend")
    with pytest.raises(UserError) as caught:
        fetch(entry, data, retry=hasty)
    assert caught.value.hint.endswith("ask a friend")


def test_a_folder_where_the_data_folder_should_be_a_file(words, tmp_path, hasty):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        fetch(words, tmp_path / "taken", retry=hasty)


def test_a_broken_ledger_is_said(words, data):
    data.mkdir()
    (data / "fetched.json").write_text("{")
    path_of(words, data).parent.mkdir()
    path_of(words, data).write_bytes(WORDS)
    with pytest.raises(UserError, match="cannot read the ledger"):
        inspect_entry(words, data)
    (data / "fetched.json").write_text(json.dumps([1]))
    assert inspect_entry(words, data).kind == "here"
