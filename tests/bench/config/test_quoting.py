"""What to type for values that hold characters of Hydra's or the shell's own."""

from __future__ import annotations

import shlex

import pytest

from bench.config.compose import expand
from bench.config.grammar import parse_single
from bench.config.quoting import shell_quote
from bench.errors import UserError

FILE = "target.params.file"
AWKWARD = [
    *(f"/x{mark}y.pth" for mark in "!\"#&'();,<=>[]^`{}~ä€\\"),
    *(f"{mark}y.pth" for mark in "='\"[{(~ "),
    "/runs/epoch=3-step=100.ckpt",
    "/runs/my net (2), best.pth",
    'it\'s "mine".pth',
    "1e5",
    "null",
    "C:\\nets\\",
]


@pytest.mark.parametrize("value", AWKWARD)
def test_what_is_typed_is_what_arrives(value: str) -> None:
    [argument] = shlex.split(shell_quote(f"{FILE}={value}"))
    [override] = parse_single([argument])
    assert (override.key_or_group, override.value()) == (FILE, value.strip())


@pytest.mark.parametrize("value", [v for v in AWKWARD if set(v) & set("=!()[]{}#&;<>^`~,\"'ä")])
def test_the_message_gives_the_line(value: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_single([f"{FILE}={value}"])
    [override] = parse_single(shlex.split(caught.value.hint.partition("type ")[2]))
    assert override.value() == value.strip()
    assert ": None" not in str(caught.value)


def test_a_run_takes_the_line() -> None:
    with pytest.raises(UserError) as caught:
        expand([f"{FILE}=/runs/epoch=3-step=100.ckpt"])
    for multirun in (False, True):
        [job] = expand(shlex.split(caught.value.hint.partition("type ")[2]), multirun=multirun)
        assert job.config.target.params.file == "/runs/epoch=3-step=100.ckpt"
        [again] = expand(job.overrides)
        assert again.config == job.config


def test_lists_are_quoted_element_by_element() -> None:
    with pytest.raises(UserError) as caught:
        parse_single(["target.params.kwargs=[width=6, name=a(b)]"])
    [override] = parse_single(shlex.split(caught.value.hint.partition("type ")[2]))
    assert override.value() == ["width=6", "name=a(b)"]


def test_a_value_that_the_shell_cut_at_a_blank() -> None:
    for cut in (["/my", "nets/a.pth"], ["/my", "(2).pth"]):
        with pytest.raises(UserError) as caught:
            expand([f"{FILE}={cut[0]}", cut[1]])
        [override] = parse_single(shlex.split(caught.value.hint.partition("type ")[2]))
        assert override.value() == " ".join(cut)


def test_references_that_lead_nowhere_are_a_users_error() -> None:
    with pytest.raises(UserError, match=r"'b' not found") as caught:
        expand([FILE + "=a${b}"])
    assert "rename it" in caught.value.hint
