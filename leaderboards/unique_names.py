"""Short names that are unique: the registered name, and only as many parameters as it takes."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from leaderboards.hashing import page_hash

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

_DIRECTIONS = "directions"
"""Parameter of a target whose directions are described."""


@dataclass(frozen=True)
class Item:
    """One thing that needs a name.

    Attributes:
        name: The registered name.
        scope: Names are unique among the items of one scope.
        identity: Items of equal identity are the same thing and get the same name.
        params: The parameters it was made with.
        size: Number of its images or concepts; None where it has no size.
    """

    name: str
    scope: Hashable
    identity: str
    params: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None


def unique_names(items: Sequence[Item]) -> list[str]:
    """Give every item a name that no other thing of its scope has.

    A name is the registered name and the first parameter that is a text ("torchvision resnet18"),
    then the parameters in which things of that name differ, then the size, and last a hash.
    """
    variants: dict[tuple[str, Hashable], dict[str, Item]] = defaultdict(dict)
    for item in items:
        # One file may be read under two paths: the least one names it, in any order of records.
        known = variants[item.name, item.scope]
        known[item.identity] = min(known.get(item.identity, item), item, key=_params_text)
    names: dict[tuple[str, Hashable, str], str] = {}
    for (name, scope), known in variants.items():
        for identity, label in _labels(known).items():
            names[name, scope, identity] = label
    return [names[item.name, item.scope, item.identity] for item in items]


def title(name: str, params: Mapping[str, Any]) -> str:
    """Return the registered name and the first parameter that is a text: "torchvision resnet18".

    Directions that are described in place of units follow.
    """
    leading = _leading(params)
    words = [name, _short(params[leading])] if leading else [name]
    return " ".join([*words, *filter(None, [params.get(_DIRECTIONS)])])


def _labels(known: Mapping[str, Item]) -> dict[str, str]:
    """Return the shortest labels by identity."""
    labels = {identity: _label(item, known.values()) for identity, item in known.items()}
    if _repeats(labels):
        sized = {i: f"{label} (n={known[i].size})" for i, label in labels.items()}
        labels = sized if not _repeats(sized) else {i: f"{v} #{i[:6]}" for i, v in labels.items()}
    return labels


def _label(item: Item, others: Iterable[Item]) -> str:
    words = [title(item.name, item.params)]
    for key in sorted(item.params.keys() - {_leading(item.params), _DIRECTIONS}):
        value = item.params[key]
        shown = value != item.size or key == "offset"
        if shown and len({page_hash(other.params.get(key)) for other in others}) > 1:
            words.append(_short(value) if isinstance(value, str) else f"{key}={value}")
    return " ".join(words)


def _leading(params: Mapping[str, Any]) -> str:
    """Return the name of the path, or else of the first parameter that is a text."""
    texts = [k for k, v in params.items() if isinstance(v, str) and v and k != _DIRECTIONS]
    return "path" if "path" in texts else next(iter(texts), "")


def _short(text: str) -> str:
    """Return the last part of a path, without the prefix of a fetched file."""
    return text.rstrip("/").replace("\\", "/").rpartition("/")[2].removeprefix("fetched:")


def _repeats(labels: Mapping[str, str]) -> bool:
    return len(set(labels.values())) < len(labels)


def _params_text(item: Item) -> str:
    return json.dumps(item.params, sort_keys=True, default=str)
