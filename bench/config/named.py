"""Which config groups a request names itself; the others are at their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from bench.config.schema import GROUPS
from bench.parts.choice import CONF, choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_EXPERIMENT = "experiment"


def named_groups(overrides: Sequence[str], config_dir: Path | None) -> frozenset[str]:
    """Return the groups of which overrides, or the experiment among them, choose a member.

    Args:
        overrides: Of one job, blocks of the experiment included: `segmenter=glyphs`, or
            `segmenter.name=glyphs`.
        config_dir: A user's own folder of config groups, searched besides ours.
    """
    found: set[str] = set()
    for text in overrides:
        key, _, value = text.lstrip("+").partition("=")
        if key.removesuffix(".name") in GROUPS:
            found.add(key.removesuffix(".name"))
        if key == _EXPERIMENT:
            found |= _named_by_experiment(value, config_dir, frozenset())
    return frozenset(found)


def _named_by_experiment(name: str, config_dir: Path | None, seen: frozenset[str]) -> set[str]:
    """Return groups that an experiment's file names, in its defaults list or by a part's `name`."""
    file = choices(_EXPERIMENT, CONF, config_dir).get(name)
    if file is None or name in seen:
        return set()
    content: Any = OmegaConf.to_container(OmegaConf.load(file))
    found = {
        group
        for group in GROUPS
        if isinstance(content.get(group), dict) and "name" in content[group]
    }
    for group, choice in _defaults(content.get("defaults") or []):
        if group == _EXPERIMENT:
            found |= _named_by_experiment(choice, config_dir, seen | {name})
        found.add(group)
    return found


def _defaults(entries: Iterable[str | dict[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield (group, choice) of each entry: "override /segmenter@here: glyphs", "/experiment/x"."""
    for entry in entries:
        if isinstance(entry, dict):
            ((key, choice),) = entry.items()
            yield key.split()[-1].partition("@")[0].strip("/"), str(choice)
        else:
            group, _, choice = entry.partition("@")[0].rpartition("/")
            yield group.strip("/") or _EXPERIMENT, choice
