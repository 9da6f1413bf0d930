"""The network's forward pass in the fastest way that it bears."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import LayerError, NetworkError, UserError
from bench.networks.faults import explain_failure
from bench.networks.halving import is_out_of_memory
from bench.networks.precision import arithmetic

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.networks.execution import How
    from bench.networks.hooks import LayerTap
    from bench.networks.pooling import Pooled

log = logging.getLogger(__name__)


class _Way(NamedTuple):
    """How a network is run; neither decides a value beyond rounding.

    Attributes:
        channels_last: In torch's memory format of that name, in which convolutions run up to twice
            as fast.
        inference: In torch's inference mode, which keeps no version counters; else without
            gradients.
    """

    channels_last: bool
    inference: bool


_WAYS = (_Way(True, True), _Way(False, True), _Way(False, False))


class Forward:
    """Runs a network on batches; where it fails, it is run in its own way from then on.

    A `view` needs the memory format that the network was written for, and tensors of inference mode
    refuse some operations in place. A `squeeze` takes the axis of the images from a batch of one.

    Args:
        module: The network, which `tap` reads.
        tap: Reads its layers.
        how: Device, precision, and whether to use the memory format channels_last: "auto", "true"
            (whatever the network says) or "false".

    Attributes:
        notes: What had to be given up, for the record.
    """

    def __init__(self, module: nn.Module, tap: LayerTap, how: How) -> None:
        self.notes: tuple[str, ...] = ()
        self._module = module
        self._tap = tap
        self._how = how
        wanted = {"auto": (True, False), "true": (True,), "false": (False,)}[how.channels_last]
        self._ways = [way for way in _WAYS if way.channels_last in wanted]
        if self._ways == [_WAYS[0]]:
            self._ways.append(_Way(True, False))
        self._last: bool | None = None

    def __call__(self, inputs: Tensor) -> dict[str, Pooled]:
        """Pooled layers of a batch, on the device.

        Raises:
            UserError: A layer cannot be read, or the network fails.
        """
        try:
            return self._batch(inputs)
        except (LayerError, NetworkError) as error:
            if len(inputs) > 1:
                raise
            try:
                twice = self._batch(inputs.expand(2, -1, -1, -1))
            except UserError:
                raise error from error.__cause__
        note = "the network cannot take a batch of one image; such an image is shown to it twice"
        if note not in self.notes:
            self.notes = (*self.notes, note)
        return {layer: pooled.first() for layer, pooled in twice.items()}

    def _batch(self, inputs: Tensor) -> dict[str, Pooled]:
        failures: list[BaseException] = []
        for way in self._ways:
            try:
                found = self._run(inputs, way)
            except UserError:
                raise
            except (Exception, SystemExit) as error:  # a user's own network may fail in any way
                if is_out_of_memory(error):
                    raise
                failures.append(error)
                continue
            if failures:
                self._settle(way, failures[0])
            return found
        if self._how.channels_last == "true":
            raise UserError(
                f"the network fails in the memory format channels_last: {failures[-1]}",
                where="runtime.channels_last",
                hint="runtime.channels_last=auto",
            ) from failures[-1]
        raise explain_failure(self._module, inputs.shape, failures[-1]) from failures[-1]

    def _run(self, inputs: Tensor, way: _Way) -> dict[str, Pooled]:
        import torch

        how = self._how
        layout = torch.channels_last if way.channels_last else torch.contiguous_format
        if self._last != way.channels_last:
            self._module.to(memory_format=layout)
            self._last = way.channels_last
        mode = torch.inference_mode() if way.inference else torch.no_grad()
        with mode, arithmetic(how.device, how.precision, tf32=how.tf32):
            return self._tap.run(inputs.to(how.device, memory_format=layout, non_blocking=True))

    def _settle(self, way: _Way, error: BaseException) -> None:
        """Stay with what works, and say what does not."""
        before = self._ways[0]
        lost = []
        if before.channels_last and not way.channels_last:
            lost.append("torch's memory format channels_last")
        if before.inference and not way.inference:
            lost.append("torch's inference mode")
        what = " and ".join(lost)
        log.warning("the network fails in %s and runs without: %s", what, error)
        self.notes = (*self.notes, f"the network runs without {what}, in which it fails")
        self._ways = self._ways[self._ways.index(way) :]
