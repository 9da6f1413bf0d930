"""Run a network's forward pass, in the fastest mode that it supports."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import LayerError, NetworkError, UserError
from bench.networks.batch_runner import is_out_of_memory
from bench.networks.faults import explain_failure
from bench.networks.precision import set_precision

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.networks.execution import Execution
    from bench.networks.hooks import LayerHooks
    from bench.networks.pooling import Pooled

log = logging.getLogger(__name__)


class _Mode(NamedTuple):
    """A mode to run a network in; values differ by rounding at most.

    Attributes:
        channels_last: Use PyTorch's memory format of that name, in which convolutions run up to
            twice as fast.
        inference: Use PyTorch's inference mode, which keeps no version counters; else only disable
            gradients.
    """

    channels_last: bool
    inference: bool


_MODES = (_Mode(True, True), _Mode(False, True), _Mode(False, False))


class Forward:
    """Runs a network on batches, in the first mode in which it does not fail.

    A `view` in a network's code needs the memory format that it was written for, and tensors of
    inference mode refuse some operations in place. A `squeeze` drops the batch axis of one image.

    Args:
        module: The network.
        hooks: Read its layers.
        execution: Device, precision, and whether to use the memory format channels_last: "auto",
            "true" (even if the network fails) or "false".

    Attributes:
        notes: What the network does not support, for the record.
    """

    def __init__(self, module: nn.Module, hooks: LayerHooks, execution: Execution) -> None:
        self.notes: tuple[str, ...] = ()
        self._module = module
        self._hooks = hooks
        self._execution = execution
        allowed = {"auto": (True, False), "true": (True,), "false": (False,)}
        formats = allowed[execution.channels_last]
        self._modes = [mode for mode in _MODES if mode.channels_last in formats]
        if self._modes == [_MODES[0]]:
            self._modes.append(_Mode(True, False))
        self._channels_last: bool | None = None

    def __call__(self, inputs: Tensor) -> dict[str, Pooled]:
        """Return the pooled layers of a batch, on the device.

        Raises:
            UserError: A layer cannot be read, or the network fails.
        """
        try:
            return self._run(inputs)
        except (LayerError, NetworkError) as error:
            if len(inputs) > 1:
                raise
            try:
                twice = self._run(inputs.expand(2, -1, -1, -1))
            except UserError:
                raise error from error.__cause__
        note = "the network cannot take a batch of one image; such an image is shown to it twice"
        if note not in self.notes:
            self.notes = (*self.notes, note)
        return {layer: pooled.first() for layer, pooled in twice.items()}

    def _run(self, inputs: Tensor) -> dict[str, Pooled]:
        failures: list[BaseException] = []
        for mode in self._modes:
            try:
                outputs = self._run_in(mode, inputs)
            except UserError:
                raise
            except (Exception, SystemExit) as error:  # a user's own network may fail in any way
                if is_out_of_memory(error):
                    raise
                failures.append(error)
                continue
            if failures:
                self._keep(mode, failures[0])
            return outputs
        if self._execution.channels_last == "true":
            raise UserError(
                f"the network fails in the memory format channels_last: {failures[-1]}",
                where="runtime.channels_last",
                hint="runtime.channels_last=auto",
            ) from failures[-1]
        raise explain_failure(self._module, inputs.shape, failures[-1]) from failures[-1]

    def _run_in(self, mode: _Mode, inputs: Tensor) -> dict[str, Pooled]:
        import torch

        execution = self._execution
        layout = torch.channels_last if mode.channels_last else torch.contiguous_format
        if self._channels_last != mode.channels_last:
            self._module.to(memory_format=layout)
            self._channels_last = mode.channels_last
        context = torch.inference_mode() if mode.inference else torch.no_grad()
        with context, set_precision(execution.device, execution.precision, tf32=execution.tf32):
            inputs = inputs.to(execution.device, memory_format=layout, non_blocking=True)
            return self._hooks.run(inputs)

    def _keep(self, mode: _Mode, error: BaseException) -> None:
        """Keep to a mode that works, and note what does not."""
        first = self._modes[0]
        failing = []
        if first.channels_last and not mode.channels_last:
            failing.append("torch's memory format channels_last")
        if first.inference and not mode.inference:
            failing.append("torch's inference mode")
        what = " and ".join(failing)
        log.warning("the network fails in %s and runs without: %s", what, error)
        self.notes = (*self.notes, f"the network runs without {what}, in which it fails")
        self._modes = self._modes[self._modes.index(mode) :]
