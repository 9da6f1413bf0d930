"""Layers of torchvision's and timm's architectures are read right or refused."""

from __future__ import annotations

import pytest

from bench.parts.targets.torchvision_models import PLAIN
from tests.bench.parts.targets.architectures import check, run, table


@pytest.mark.parametrize(("family", "name"), [("torchvision swin", "swin_t")])
def test_one_architecture(family: str, name: str) -> None:
    result = check(family, name)
    assert not result.wrong
    assert not result.refused
    assert result.right > 70
    assert not result.plain


@pytest.mark.slow
def test_every_family() -> None:
    results, skipped = run([])
    assert {result.name: result.wrong for result in results if result.wrong} == {}
    assert all(result.right for result in results)
    for result in results:
        if result.family.startswith("torchvision") and PLAIN.match(f"{result.name}_"):
            assert result.plain, result.name
    assert len(results) > 100, skipped
    assert "| torchvision resnet | resnet18 |" in table(results, skipped)
