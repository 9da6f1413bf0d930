"""Places are decoded in their order, into the batches that they belong to."""

from __future__ import annotations

import threading
import time
import weakref

import pytest
import torch

from bench.evidence.batches import in_batches
from bench.networks.execution import Execution

GROUPS = [range(5), range(10, 12), range(20, 21)]
BATCHES = [[0, 1], [2, 3], [4], [10, 11], [20]]


def decode(place: int) -> tuple[torch.Tensor, None]:
    time.sleep(0.002 * (place % 3))  # later places may be ready first
    return torch.full((2, 3), float(place)), None


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_no_batch_spans_two_groups(workers: int) -> None:
    found = list(in_batches(decode, GROUPS, Execution(batch_size=2, workers=workers)))
    assert [batch[0][:, 0, 0].tolist() for batch in found] == BATCHES
    assert all(torch.equal(batch[0], batch[0][:, :1, :1].expand(-1, 2, 3)) for batch in found)
    assert all(batch[1] is None for batch in found)


def test_batches_for_a_gpu_lie_in_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    empty = torch.empty

    def unpinned(*sizes, pin_memory=False, **options):
        asked.append(pin_memory)
        return empty(*sizes, **options)

    monkeypatch.setattr(torch, "empty", unpinned)
    found = list(in_batches(decode, GROUPS, Execution("cuda", 2)))
    assert [batch[0][:, 0, 0].tolist() for batch in found] == BATCHES
    assert asked == [True] * len(BATCHES)


def test_images_of_different_sizes_are_refused() -> None:
    def other(place: int) -> tuple[torch.Tensor]:
        return (torch.zeros(3, 4 + place),)

    with pytest.raises(ValueError, match=r"shapes \[3, 4\] and \[3, 5\]"):
        list(in_batches(other, [range(2)], Execution(batch_size=2, workers=1)))


@pytest.mark.parametrize("second", [None, torch.zeros(3, dtype=torch.float64)])
def test_images_of_different_types_are_refused(second: torch.Tensor | None) -> None:
    def other(place: int) -> tuple[torch.Tensor | None]:
        return (second if place else torch.zeros(3),)

    with pytest.raises(ValueError, match=r"types torch\.float32 and"):
        list(in_batches(other, [range(2)], Execution(batch_size=2, workers=1)))


def test_no_thread_and_no_batch_outlives_an_end_before_the_last_batch() -> None:
    made: list[weakref.ref[torch.Tensor]] = []

    def kept(place: int) -> tuple[torch.Tensor]:
        made.append(weakref.ref(tensor := torch.full((2,), float(place))))
        return (tensor,)

    seen = in_batches(kept, [range(40)], Execution(batch_size=2, workers=2))
    batches = weakref.ref(next(seen)[0])
    seen.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("decode")]
    assert len(made) < 40
    assert batches() is None
    assert not any(one() is not None for one in made)


def test_what_decoding_raises_is_raised_here() -> None:
    def broken(place: int) -> tuple[torch.Tensor]:
        if place == 3:
            raise OSError("image 3")
        return (torch.zeros(1),)

    seen = in_batches(broken, [range(6)], Execution(batch_size=2, workers=2))
    assert len(next(seen)[0]) == 2
    with pytest.raises(OSError, match="image 3"):
        next(seen)
