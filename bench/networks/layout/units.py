"""Find the axis of the images and the axis of the units in a layer's output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.networks.layout.widths import only_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import nn

    from bench.networks.layout.trace import Call, Trace

    Shape = tuple[int, ...]


def image_axis(two: Shape, three: Shape) -> int | str:
    """Find the axis of the images from the shapes of an output for two and for three images.

    Returns:
        The axis, or why it is unknown.
    """
    if len(two) != len(three):
        return "its number of dimensions depends on the number of images"
    changed = [axis for axis, (a, b) in enumerate(zip(two, three, strict=True)) if a != b]
    if not changed:
        return "no axis of it grows with the number of images"
    if len(changed) > 1:
        return "several axes of it grow with the number of images"
    [axis] = changed
    if (two[axis], three[axis]) == (2, 3):
        return axis
    if 3 * two[axis] == 2 * three[axis]:
        return (
            f"axis {axis} counts images times {two[axis] // 2} (windows or pieces of an image, "
            "which are not units of a whole image)"
        )
    return f"axis {axis} does not count images: {two[axis]} for two and {three[axis]} for three"


def unit_axis(
    network: nn.Module,
    path: str,
    call: Call,
    output: str,
    images: int,
    run: Trace,
    resized: Callable[[], Shape | None],
) -> int | str:
    """Find the axis of the units in a layer's output.

    The axis that the module's class declares is certain. Otherwise the library, modules with an
    output of the same shape, and the last module with a known width inside or before the layer must
    agree. An axis whose size depends on the size of the image holds positions in any case.

    Args:
        network: The whole network.
        path: The layer's module path.
        call: The call of the layer that is read.
        output: Which of its tensors.
        images: The axis of the images.
        run: The run with this call.
        resized: Returns the shape of the same output for images of another size; None where the
            network does not take them.

    Returns:
        The axis, or why it is unknown.
    """
    shape = call.outputs[output].shape
    others = [axis for axis in range(len(shape)) if axis != images]
    if len(others) == 1:
        return others[0]
    certain = own_axis(call, output, images)
    if certain is not None:
        return certain
    own = call.width
    first = next(iter(call.outputs)) == output
    library = _library(network, path, shape, images)
    claims: dict[int, None] = dict.fromkeys(
        axis
        for axis in (
            own.axis_in(shape, images) if own and first else None,
            library,
            *_same_shape(run, shape, images),
            _last_width(run, call, shape, images),
        )
        if axis is not None
    )
    fixed = _fixed_axes(shape, resized(), others)
    if fixed is not None:
        claims = dict.fromkeys(axis for axis in claims if axis in fixed) or claims
        if len(fixed) == 1:
            claims[fixed[0]] = None
        if not set(claims) <= set(fixed):
            return "modules and the size of the image say different axes"
    if len(claims) > 1:
        named = " and ".join(f"axis {axis} ({shape[axis]})" for axis in claims)
        return f"its modules say different axes: {named}"
    if claims:
        [axis] = claims
        # A module may have swapped two axes of equal size.
        unique = only_axis(shape, shape[axis], images) == axis
        return axis if unique or fixed or axis == library else "two of its axes are of one size"
    larger = [axis for axis in others if shape[axis] > 1]
    if len(larger) == 1:
        return larger[0]
    return others[0] if not larger else "no module says which axis holds units"


def own_axis(call: Call, output: str, images: int) -> int | None:
    """Return the axis of the units that the module's class declares; None where it does not."""
    width = call.width
    if width is None or width.axis is None or next(iter(call.outputs)) != output:
        return None
    return width.axis_in(call.outputs[output].shape, images)


def _library(network: nn.Module, path: str, shape: Shape, images: int) -> int | None:
    """Read the number of channels and the order of axes from timm's `feature_info`."""
    stages = getattr(network, "feature_info", None)
    for stage in getattr(stages, "info", stages) or ():
        if not isinstance(stage, dict) or stage.get("module") != path:
            continue
        channels = stage.get("num_chs", 0)
        axis = only_axis(shape, channels, images)
        if axis is None and len(shape) == 4:
            order = {"NHWC": 3, "NCHW": 1}.get(str(getattr(network, "output_fmt", "")))
            return order if order and shape[order] == channels else None
        return axis
    return None


def _same_shape(run: Trace, shape: Shape, images: int) -> Iterable[int | None]:
    """Go through the axes that modules with an output of the same shape declare."""
    for other in run.calls:
        first = next(iter(other.outputs.values()), None)
        if other.width and first and first.shape == shape:
            yield other.width.axis_in(shape, images)


def _last_width(run: Trace, call: Call, shape: Shape, images: int) -> int | None:
    """Return the axis as long as the width of the last module inside, or else before, a layer."""
    ended = [c for c in run.calls if c.end < call.end and c.width]
    inside = [other for other in ended if other.start > call.start]
    before = [other for other in ended if other.end < call.start]
    last = next(reversed(inside or before), None)
    if last is None or last.width is None or not last.outputs:
        return None
    width = last.width
    axis = only_axis(shape, width.units, images)
    output = next(iter(last.outputs.values())).shape
    # A linear layer on transposed tokens counts tokens: its width counts only if axes stay.
    same_axis = len(output) == len(shape) and width.axis_in(output, images) == axis
    return axis if width.channels or same_axis else None


def _fixed_axes(shape: Shape, resized: Shape | None, others: list[int]) -> list[int] | None:
    """Return the axes whose size does not depend on the image's; None where that is unknown."""
    if resized is None or len(resized) != len(shape):
        return None
    fixed = [axis for axis in others if resized[axis] == shape[axis]]
    return fixed if 0 < len(fixed) < len(others) else None


def is_map(shape: Shape, axes: Sequence[int], size: tuple[int, int]) -> bool:
    """Return whether two axes may be height and width: they have the aspect ratio of the image."""
    height, width = (shape[axis] for axis in axes)
    return abs(height * size[1] - width * size[0]) <= max(size)
