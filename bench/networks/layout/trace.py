"""Run a network on synthetic images, and record the shapes of its modules' inputs and outputs."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.networks.faults import apply_transform
from bench.networks.layout.outputs import named_tensors
from bench.networks.layout.widths import width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from PIL.Image import Image
    from torch import Tensor, nn

    from bench.networks.layout.widths import Width

_EQUAL = 1e-6
"""Relative difference up to which a token is equal for all images."""


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a module.

    Attributes:
        shape: Its shape.
        constant: For a tensor with three axes, by (image axis, token axis): the number of leading
            tokens, and of all tokens, that are equal for all images. The number of leading tokens
            is -1 where the first token is zero, which tells nothing; zero tokens are not counted.
    """

    shape: tuple[int, ...]
    constant: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)


@dataclass
class Call:
    """One call of a module.

    Attributes:
        module: The module.
        width: The number of units that the module declares.
        start: When it began, in steps of the whole run.
        end: When it returned; 0 where it did not.
        inputs: Its input tensors.
        outputs: Its output tensors by name (`named_tensors`).
    """

    module: nn.Module
    width: Width | None
    start: int
    end: int = 0
    inputs: list[TensorInfo] = field(default_factory=list)
    outputs: dict[str, TensorInfo] = field(default_factory=dict)


@dataclass
class Trace:
    """A run of a network.

    Attributes:
        batch: Number of images.
        size: (height, width) of the network's input.
        channels: Of the network's input.
        calls: All calls that returned, in the order of their ends.
        error: The exception that ended the run; None for none.
    """

    batch: int
    size: tuple[int, int]
    channels: int = 3
    calls: list[Call] = field(default_factory=list)
    error: BaseException | None = None

    def calls_of(self, module: nn.Module) -> list[Call]:
        """Return the calls of a module, in order."""
        return [call for call in self.calls if call.module is module]


def synthetic_images(transform: Callable[[Image], Tensor], count: int, side: int = 256) -> Tensor:
    """Return images of seeded noise after a network's transform, float32 [count, 3, H, W].

    Args:
        transform: The network's.
        count: Number of images.
        side: Of the images before the transform, in pixels.

    Raises:
        NetworkError: The transform does not turn an image into a tensor [3, H, W].
    """
    import numpy as np
    import torch
    from PIL import Image

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    name = f"a synthetic image of {side} x {side} pixels"
    return torch.stack(
        [apply_transform(transform, Image.fromarray(i), "target", name) for i in images]
    )


def trace(module: nn.Module, images: Tensor, *, constant: bool = False) -> Trace:
    """Run a network, and record the calls of its modules.

    Args:
        module: The network; it is left as it was.
        images: float32 [B, 3, H, W], on its device.
        constant: Look for tokens that are equal for all images.
    """
    import torch

    run = Trace(len(images), (images.shape[-2], images.shape[-1]), images.shape[1])
    open_calls: list[Call] = []
    widths = {owner: width_of(owner) for owner in module.modules()}
    step = 0

    def begin(owner: nn.Module, args: Any, kwargs: Any) -> None:
        nonlocal step
        step += 1
        tensors = named_tensors([args, kwargs]).values()
        inputs = [_inspect(tensor, run.batch, constant) for tensor in tensors]
        open_calls.append(Call(owner, widths[owner], step, inputs=inputs))

    def end(owner: nn.Module, _inputs: Any, output: Any) -> None:
        nonlocal step
        step += 1
        # Skip calls that ended with an exception, which a module around them caught.
        while open_calls and open_calls[-1].module is not owner:
            open_calls.pop()
        if not open_calls:
            return
        call = open_calls.pop()
        call.end = step
        call.outputs = {
            name: _inspect(tensor, run.batch, constant)
            for name, tensor in named_tensors(output).items()
        }
        run.calls.append(call)

    with ExitStack() as hooks, torch.no_grad(), torch.random.fork_rng(devices=[]):
        for owner in widths:
            try:
                handles = [
                    owner.register_forward_pre_hook(begin, with_kwargs=True),
                    owner.register_forward_hook(end),
                ]
            except Exception:  # noqa: S112  (a scripted module; its inside cannot be traced)
                continue
            for handle in handles:
                hooks.callback(handle.remove)
        try:
            with eager():
                module(images)
        except (Exception, SystemExit) as error:  # the calls before it are recorded
            run.error = error
    return run


def eager() -> AbstractContextManager[Any]:
    """Run compiled modules eagerly inside: hooks need that."""
    import torch

    set_stance = getattr(torch.compiler, "set_stance", None)  # from PyTorch 2.6 on
    return set_stance("force_eager") if set_stance else nullcontext()


def _inspect(tensor: Tensor, batch: int, constant: bool) -> TensorInfo:
    shape = tuple(tensor.shape)
    counts = {}
    if constant and len(shape) == 3 and tensor.is_floating_point():
        for image in (axis for axis in (0, 1) if shape[axis] == batch):
            for token in (axis for axis in range(3) if axis != image):
                counts[image, token] = _count_constant(tensor, image, token)
    return TensorInfo(shape, counts)


def _count_constant(tensor: Tensor, image: int, token: int) -> tuple[int, int]:
    first, *others = tensor.float().movedim((image, token), (0, 1))
    if not first.numel():
        return 0, 0
    spread = sum((other - first).abs().amax(dim=1) for other in others)
    size = first.abs().amax(dim=1)
    same = spread <= _EQUAL * size.amax()
    # Zeros may come from an activation such as ReLU, or from an untrained class token.
    equal = (same & (size > 0)).tolist()
    leading = equal.index(False) if False in equal else len(equal)
    return -1 if bool(same[0]) and not equal[0] else leading, sum(equal)
