"""One run of a network on synthetic images, with the shapes that its modules took and gave."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.networks.faults import view
from bench.networks.layout.outputs import named_tensors
from bench.networks.layout.widths import width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from PIL.Image import Image
    from torch import Tensor, nn

    from bench.networks.layout.widths import Width

_EQUAL = 1e-6
"""Relative difference up to which a token counts as equal for all images."""


@dataclass(frozen=True)
class Seen:
    """A tensor that a module took or gave.

    Attributes:
        name: In the module's output (`named_tensors`).
        shape: Its shape.
        constant: Of a tensor with three axes by (image axis, token axis): how many tokens at the
            beginning, and how many in all, are equal for all images; -1 at the beginning where the
            first token is zero, from which nothing can be told. Zero tokens count nowhere.
    """

    name: str
    shape: tuple[int, ...]
    constant: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)


@dataclass
class Call:
    """One run of one module.

    Attributes:
        module: The module.
        width: What the module says of its width.
        start: When it began, in steps of the whole run.
        end: When it returned; 0 where it did not.
        inputs: Tensors that it was given.
        outputs: Tensors that it returned, by name.
    """

    module: nn.Module
    width: Width | None
    start: int
    end: int = 0
    inputs: list[Seen] = field(default_factory=list)
    outputs: dict[str, Seen] = field(default_factory=dict)


@dataclass
class Trace:
    """A run of a network.

    Attributes:
        batch: Number of images.
        size: (height, width) of the network's input.
        channels: Of the network's input.
        calls: All calls that returned, by their end.
        error: What ended the run early; None where nothing did.
    """

    batch: int
    size: tuple[int, int]
    channels: int = 3
    calls: list[Call] = field(default_factory=list)
    error: BaseException | None = None

    def of(self, module: nn.Module) -> list[Call]:
        """The calls of a module, in order."""
        return [call for call in self.calls if call.module is module]


def synthetic_images(transform: Callable[[Image], Tensor], count: int, side: int = 256) -> Tensor:
    """Images of seeded noise as a network's transform shows them, float32 [count, 3, H, W].

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

    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    name = f"a synthetic image of {side} x {side} pixels"
    return torch.stack([view(transform, Image.fromarray(p), "target", name) for p in pixels])


def trace(module: nn.Module, images: Tensor, *, constant: bool = False) -> Trace:
    """Show images to a network and write down what its modules took and gave.

    Args:
        module: The network; it is left as it was.
        images: float32 [B, 3, H, W], on its device.
        constant: Look for tokens that are equal for all images.
    """
    import torch

    found = Trace(len(images), (images.shape[-2], images.shape[-1]), images.shape[1])
    open_calls: list[Call] = []
    widths = {owner: width_of(owner) for owner in module.modules()}
    step = 0

    def begin(owner: nn.Module, args: Any, kwargs: Any) -> None:
        nonlocal step
        step += 1
        inputs = named_tensors([args, kwargs]).values()
        seen = [_see("", tensor, found.batch, constant) for tensor in inputs]
        open_calls.append(Call(owner, widths[owner], step, inputs=seen))

    def end(owner: nn.Module, _inputs: Any, output: Any) -> None:
        nonlocal step
        step += 1
        # Calls that an exception ended are passed over: their modules caught it.
        while open_calls and open_calls[-1].module is not owner:
            open_calls.pop()
        if not open_calls:
            return
        call = open_calls.pop()
        call.end = step
        tensors = named_tensors(output)
        call.outputs = {
            name: _see(name, tensor, found.batch, constant) for name, tensor in tensors.items()
        }
        found.calls.append(call)

    with ExitStack() as hooks, torch.no_grad(), torch.random.fork_rng(devices=[]):
        for owner in widths:
            try:
                handles = [
                    owner.register_forward_pre_hook(begin, with_kwargs=True),
                    owner.register_forward_hook(end),
                ]
            except Exception:  # noqa: S112  (a scripted module; what lies in it is never seen)
                continue
            for handle in handles:
                hooks.callback(handle.remove)
        try:
            with uncompiled():
                module(images)
        except (Exception, SystemExit) as error:  # the layers that ran before it are known
            found.error = error
    return found


def uncompiled() -> AbstractContextManager[Any]:
    """A context in which what torch.compile made runs as it was written: hooks need that."""
    import torch

    stance = getattr(torch.compiler, "set_stance", None)  # from torch 2.6 on
    return stance("force_eager") if stance else nullcontext()


def _see(name: str, tensor: Tensor, batch: int, constant: bool) -> Seen:
    shape = tuple(tensor.shape)
    found = {}
    if constant and len(shape) == 3 and tensor.is_floating_point():
        for image in (axis for axis in (0, 1) if shape[axis] == batch):
            for token in (axis for axis in range(3) if axis != image):
                found[image, token] = _constant(tensor, image, token)
    return Seen(name, shape, found)


def _constant(tensor: Tensor, image: int, token: int) -> tuple[int, int]:
    first, *others = tensor.float().movedim((image, token), (0, 1))
    if not first.numel():
        return 0, 0
    spread = sum((other - first).abs().amax(dim=1) for other in others)
    size = first.abs().amax(dim=1)
    same = spread <= _EQUAL * size.amax()
    # Zeros may come of an activation such as ReLU, or of a class token that was not trained yet.
    equal = (same & (size > 0)).tolist()
    leading = equal.index(False) if False in equal else len(equal)
    return -1 if bool(same[0]) and not equal[0] else leading, sum(equal)
