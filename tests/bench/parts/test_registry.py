"""The registry: lazy, typed, open, and clear about what is wrong."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import ClassVar, Literal, Protocol

import pytest
from omegaconf import OmegaConf

from bench.errors import UserError
from bench.parts import registry as registry_module
from bench.parts.catalog import METHODS
from bench.parts.registry import Registry
from bench.run.build import build_part


class Greeter(Protocol):
    summary: ClassVar[str]

    def greet(self) -> str: ...


@dataclass(frozen=True)
class Polite:
    """Fits."""

    summary: ClassVar[str] = "says hello"
    name: str
    times: int = 1
    warmth: float = 0.5
    tone: Literal["plain", "loud"] = "plain"
    words: tuple[str, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.times < 0:
            raise ValueError("times must not be negative")

    def greet(self) -> str:
        return f"hello {self.name}" * self.times


@dataclass(frozen=True)
class Mute:
    summary: ClassVar[str] = "says nothing"


class NotADataclass:
    summary = ""

    def greet(self) -> str:
        return ""


@pytest.fixture
def greeters(monkeypatch: pytest.MonkeyPatch) -> Registry[Greeter]:
    monkeypatch.setitem(sys.modules, "greeters_for_test", sys.modules[__name__])
    at = "greeters_for_test:"
    paths = {
        "polite": f"{at}Polite",
        "mute": f"{at}Mute",
        "plain": f"{at}NotADataclass",
        "gone": "no_such_module_here:X",
    }
    return Registry("greeter", "greeters", Greeter, paths)  # type: ignore[type-abstract]


def test_builds_with_defaults_and_yaml_types(greeters: Registry[Greeter]) -> None:
    part = greeters.build("polite", {"name": "Ada", "warmth": 1, "words": ["a", "b"]})
    assert part == Polite("Ada", warmth=1.0, words=("a", "b"))
    assert isinstance(part.warmth, float)


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("polit", {}, ["unknown greeter 'polit'", "nearest: polite", "dissectbench list greeters"]),
        ("polite", {"nam": "x"}, ["no parameter 'nam'", "nearest: name", "greeter.params.nam"]),
        ("polite", {}, ["needs a value for 'name'", "greeter.params.name=..."]),
        ("polite", {"name": "x", "times": "3"}, ["'3' is not a whole number"]),
        ("polite", {"name": "x", "times": True}, ["True is not a whole number"]),
        ("polite", {"name": "x", "tone": "shrill"}, ["'plain' or 'loud'"]),
        ("polite", {"name": "x", "times": -1}, ["times must not be negative", "greeter.params"]),
        ("mute", {}, ["is not a greeter", "lacks 'greet'"]),
        ("plain", {}, ["not a dataclass"]),
        ("gone", {}, ["cannot be imported", "no_such_module_here"]),
    ],
)
def test_faults_are_named(
    greeters: Registry[Greeter], name: str, params: dict[str, object], says: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        greeters.build(name, params)
    for part in says:
        assert part in str(caught.value)


def test_optional_and_literal_values(greeters: Registry[Greeter]) -> None:
    part = greeters.build("polite", {"name": "x", "limit": None, "tone": "loud"})
    assert (part.limit, part.tone) == (None, "loud")  # type: ignore[attr-defined]


def test_nothing_is_imported_before_it_is_asked_for(greeters: Registry[Greeter]) -> None:
    assert greeters.names() == ["gone", "mute", "plain", "polite"]
    assert "no_such_module_here" not in sys.modules


def _entry_points(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(
        registry_module, "entry_points", lambda group: [p for p in points if p.group == group]
    )


def test_third_parties_register_through_entry_points(
    greeters: Registry[Greeter], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("theirs", "greeters_for_test:Polite", "dissectbench.greeters")
    other = EntryPoint("other", "x:y", "dissectbench.methods")
    _entry_points(monkeypatch, point, other)
    assert "theirs" in greeters.names()
    assert "other" not in greeters.names()
    assert greeters.build("theirs", {"name": "Eve"}) == Polite("Eve")


def test_a_name_claimed_twice_is_refused(
    greeters: Registry[Greeter], monkeypatch: pytest.MonkeyPatch
) -> None:
    _entry_points(monkeypatch, EntryPoint("polite", "theirs:Polite", "dissectbench.greeters"))
    with pytest.raises(UserError, match="two packages register the greeter 'polite'"):
        greeters.names()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_are_finite(value):
    config = OmegaConf.create({"name": "linear", "params": {"penalty": float(value)}})
    with pytest.raises(UserError, match=f"{value} is not a finite number") as error:
        build_part(METHODS, config, "method")
    assert error.value.where == "method.params.penalty"
    assert error.value.hint
