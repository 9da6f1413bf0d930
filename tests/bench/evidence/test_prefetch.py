"""Work in background threads: its order, its errors, and the threads that PyTorch uses there."""

from __future__ import annotations

import pytest
import torch

from bench.evidence.prefetch import prefetch


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_keep_their_order(workers: int) -> None:
    squares = prefetch(lambda number: number**2, range(20), workers=workers, window=4)
    assert list(squares) == [number**2 for number in range(20)]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_reaches_the_caller_in_its_turn(workers: int) -> None:
    results = prefetch(lambda number: 12 // number, [3, 2, 0, 1], workers=workers, window=2)
    assert [next(results), next(results)] == [4, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_pytorch_uses_one_thread_in_each_worker_and_keeps_those_of_the_caller() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        counts = prefetch(lambda _: torch.get_num_threads(), range(8), workers=2, window=4)
        assert set(counts) == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
