"""Where a method computes, and what is compiled before it is timed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.run.shared import _matching_device, warm_up
from bench.timing import Timer


class Knows:
    def __init__(self) -> None:
        self.called: list[Any] = []

    def warm_up(self, device: str) -> None:
        self.called.append(device)


class KnowsNone(Knows):
    def warm_up(self) -> None:  # type: ignore[override]
        self.called.append(None)


@pytest.mark.parametrize(("method", "called"), [(Knows(), ["cpu"]), (KnowsNone(), [None])])
def test_a_method_is_warmed_up_with_the_device_where_it_takes_one(
    method: Knows, called: list[Any]
) -> None:
    parts: Any = SimpleNamespace(method=method, probe=range(3))
    warm_up(parts, Timer("cpu"))
    assert method.called == called


def test_what_torch_keeps_of_freed_tensors_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 200)
    assert _matching_device("cuda", 300) == "cuda"
    assert _matching_device("cuda", 301) == "cpu"
    assert _matching_device("cpu", 10**15) == "cpu"
