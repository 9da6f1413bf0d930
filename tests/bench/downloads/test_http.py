"""Transfers from a server that cuts, forgets, changes, refuses and lies."""

from __future__ import annotations

import errno

import pytest

from bench.downloads import disk
from bench.downloads.http import RetryPolicy, download, part_path
from bench.errors import UserError

BODY = bytes(range(256)) * 4000  # more than one block
HALF = len(BODY) // 2


@pytest.fixture
def url(site):
    site.files["/file"] = BODY
    return f"{site.url}/file"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / "file"


def cut_once(site, url, file, after=HALF):
    """Leave the first bytes of a transfer behind, as a kill would."""
    site.cut_after = [after]
    with pytest.raises(UserError):
        download(url, file, retry=RetryPolicy(attempts=0, pause_s=0))
    assert part_path(file).stat().st_size == after
    assert not file.exists()
    site.asked.clear()


def left(file):
    return sorted(path.name for path in file.parent.iterdir())


def test_a_plain_transfer(url, file, hasty):
    seen = []
    download(url, file, size=len(BODY), retry=hasty, progress=lambda *now: seen.append(now))
    assert file.read_bytes() == BODY
    assert left(file) == ["file"]
    assert seen[0] == (0, len(BODY))
    assert seen[-1] == (len(BODY), len(BODY))


def test_a_cut_connection_is_taken_up_at_once(site, url, file, hasty):
    site.cut_after = [HALF, 10]
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY
    assert site.ranges_asked == ["", f"bytes={HALF}-", f"bytes={HALF + 10}-"]
    assert site.asked[1]["if-range"] == site.etag
    assert left(file) == ["file"]


def test_a_later_call_goes_on_where_an_earlier_one_ended(site, url, file, hasty):
    cut_once(site, url, file)
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY
    assert site.ranges_asked == [f"bytes={HALF}-"]


def test_a_server_without_ranges_is_asked_for_everything(site, url, file, hasty):
    site.ranges = False
    cut_once(site, url, file)
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changed_is_begun_anew(site, url, file, hasty, if_range):
    cut_once(site, url, file)
    other = bytes(reversed(BODY))
    site.files["/file"], site.etag, site.if_range = other, '"two"', if_range
    download(url, file, retry=hasty)
    assert file.read_bytes() == other


def test_what_nothing_marks_is_resumed_only_where_a_hash_will_tell(site, url, file, hasty):
    site.etag = ""
    cut_once(site, url, file)
    download(url, file, verified=True, retry=hasty)
    assert site.ranges_asked == [f"bytes={HALF}-"]
    assert file.read_bytes() == BODY
    file.unlink()
    cut_once(site, url, file)
    download(url, file, verified=False, retry=hasty)
    assert site.ranges_asked == [""]


def test_a_part_from_another_address_is_not_resumed(site, url, file, hasty):
    cut_once(site, url, file)
    site.files["/moved"] = bytes(len(BODY))
    download(f"{site.url}/moved", file, retry=hasty)
    assert file.read_bytes() == bytes(len(BODY))


def test_a_weak_tag_marks_nothing(site, url, file, hasty):
    site.etag = 'W/"one"'
    cut_once(site, url, file)
    download(url, file, retry=hasty)
    assert site.ranges_asked == [""]


def test_a_part_that_is_longer_than_the_file_is_thrown_away(site, url, file, hasty):
    cut_once(site, url, file)
    with part_path(file).open("ab") as part:
        part.write(bytes(len(BODY)))
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY
    cut_once(site, url, (other := file.with_name("other")))
    with part_path(other).open("ab") as part:
        part.write(bytes(len(BODY)))
    download(url, other, size=len(BODY), retry=hasty)
    assert other.read_bytes() == BODY


def test_no_length_is_no_fault(site, url, file, hasty):
    site.length = False
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY


def test_cuts_without_progress_end_it_and_keep_what_came(site, url, file, hasty):
    site.cut_after = [HALF, 0, 0, 0, 0]
    with pytest.raises(UserError, match="ended after") as caught:
        download(url, file, retry=hasty)
    assert f"{HALF:,} bytes" in caught.value.hint
    assert len(site.asked) == 4
    site.cut_after = []
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1])
def test_another_size_is_refused_before_it_is_fetched(site, url, file, hasty, size):
    with pytest.raises(UserError, match="offers"):
        download(url, file, size=size, retry=hasty)
    assert left(file) == []
    site.length = False
    with pytest.raises(UserError):
        download(url, file, size=size, retry=hasty)
    assert not file.exists()


def test_what_is_not_there_is_said_once(site, url, file, hasty):
    with pytest.raises(UserError, match="404") as caught:
        download(f"{site.url}/none", file, retry=hasty)
    assert "--from" in caught.value.hint
    assert len(site.asked) == 1
    assert left(file) == []


def test_a_server_in_trouble_is_asked_again(site, url, file, hasty):
    site.status = [503, 429]
    download(url, file, retry=hasty)
    assert file.read_bytes() == BODY
    file.unlink()
    site.status = [500] * 9
    with pytest.raises(UserError, match="500"):
        download(url, file, retry=hasty)
    assert left(file) == []


def test_nobody_there(site, file):
    with pytest.raises(UserError, match="cannot fetch"):
        download("http://127.0.0.1:9/file", file, retry=RetryPolicy(1, 0, 2))
    assert left(file) == []


def test_redirects_lead_to_http_alone(site, url, file, hasty):
    site.redirect = "/file"
    download(f"{site.url}/elsewhere", file, retry=hasty)
    assert file.read_bytes() == BODY
    for bad in ("file:///etc/hostname", "ftp://127.0.0.1/x"):
        site.redirect = bad
        with pytest.raises(UserError):
            download(url, file.with_name("other"), retry=hasty)
        with pytest.raises(UserError, match="not an http"):
            download(bad, file.with_name("other"), retry=hasty)
    assert left(file) == ["file"]


def test_a_full_disk_keeps_the_part_for_later(site, url, file, hasty, monkeypatch):
    true_write = disk.write_block
    blocks = []

    def full_after_one(target, block):
        if blocks:
            raise OSError(errno.ENOSPC, "No space left on device")
        blocks.append(block)
        true_write(target, block)

    monkeypatch.setattr(disk, "write_block", full_after_one)
    with pytest.raises(UserError, match="disk is full") as caught:
        download(url, file, retry=hasty)
    assert "resumes" in caught.value.hint
    assert left(file) == ["file.part", "file.part.json"]
    monkeypatch.undo()
    site.asked.clear()
    download(url, file, retry=hasty)
    assert site.ranges_asked == [f"bytes={len(blocks[0])}-"]
    assert file.read_bytes() == BODY


def test_what_cannot_fit_is_not_begun(site, url, file, hasty, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5}))
    with pytest.raises(UserError, match="5 are free"):
        download(url, file, retry=hasty)
    assert not part_path(file).exists()


def test_a_folder_that_cannot_be_written_to(site, url, tmp_path, hasty):
    (tmp_path / "blocked").write_text("a file")
    with pytest.raises(UserError, match="cannot write"):
        download(url, tmp_path / "blocked" / "file", retry=hasty)


def test_a_raw_file_may_write_less_than_it_is_given(tmp_path):
    class Slow:
        def __init__(self):
            self.got = b""

        def write(self, view):
            self.got += bytes(view[:3])
            return min(3, len(view))

    slow = Slow()
    disk.write_block(slow, BODY[:1000])
    assert slow.got == BODY[:1000]
