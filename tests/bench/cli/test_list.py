"""`dissectbench list`: whatever is listed can be typed, and whatever can be typed is listed."""

from __future__ import annotations

import pytest

from bench.__main__ import main
from bench.cli.list import GROUPS, KINDS, rows
from bench.config.compose import expand
from bench.parts.catalog import BY_GROUP
from tests.bench.config.test_compose import every_choice

NEEDS = {"targets": ["target.layers=[fc]"]}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("methods", ["clip_dissect"]),
        ("targets", ["glyphs_objects", "glyphs_scenes", "torchvision"]),
        ("probes", ["folder", "glyphs_half", "glyphs_scenes_only", "glyphs_val"]),
        ("concepts", ["file", "glyphs_all", "glyphs_objects", "wordfreq_3k", "wordfreq_20k"]),
        ("encoders", ["glyphs", "open_clip", "open_clip_files"]),
        ("metrics", ["accuracy_at_1", "lexical_match", "mean_rank", "sentence_cosine"]),
        ("experiments", ["glyphs_demo", "glyphs_full", "glyphs_smoke"]),
    ],
)
def test_a_kind_lists_its_names(
    kind: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", kind]) == 0
    first_words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert set(names) <= set(first_words)


def test_all_kinds_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for kind in KINDS:
        assert f"{kind}" in text
        for name, _ in rows(kind):
            assert f"\n{name}" in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_has_a_word_on_what_it_is(kind: str) -> None:
    assert rows(kind)
    for name, summary in rows(kind):
        assert len(summary) > 10, name


@pytest.mark.parametrize("kind", sorted(set(GROUPS) - {"experiments"}))
def test_every_listed_name_can_be_typed(kind: str) -> None:
    group, composed = GROUPS[kind], every_choice()
    for name, _ in rows(kind):
        # A test of bench/config composes the others.
        assert (group, name) in composed or expand([f"{group}={name}", *NEEDS.get(kind, [])])


@pytest.mark.parametrize("group", sorted(set(GROUPS.values()) & set(BY_GROUP)))
def test_every_registered_part_is_listed(group: str) -> None:
    [kind] = [kind for kind, of in GROUPS.items() if of == group]
    listed = {name for name, _ in rows(kind)}
    for name in BY_GROUP[group].names():
        # glyphs stands there as glyphs_val, glyphs_half and so on.
        assert name in listed or any(other.startswith(f"{name}_") for other in listed)
