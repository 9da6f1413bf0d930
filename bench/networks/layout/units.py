"""Which axis of a layer's output is the images, and which the units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.networks.layout.widths import only_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import nn

    from bench.networks.layout.trace import Call, Trace

    Shape = tuple[int, ...]


def image_axis(two: Shape, three: Shape) -> int | str:
    """The axis of the images, by the shapes of an output on two images and on three.

    Returns:
        The axis; or why it is not known.
    """
    if len(two) != len(three):
        return "its number of dimensions depends on the number of images"
    moved = [axis for axis, (a, b) in enumerate(zip(two, three, strict=True)) if a != b]
    if not moved:
        return "no axis of it grows with the number of images"
    if len(moved) > 1:
        return "several axes of it grow with the number of images"
    [axis] = moved
    if (two[axis], three[axis]) == (2, 3):
        return axis
    if 3 * two[axis] == 2 * three[axis]:
        return (
            f"axis {axis} counts images times {two[axis] // 2} (windows or pieces of an image, "
            "which are no units of a whole image)"
        )
    return f"axis {axis} does not count images: {two[axis]} for two and {three[axis]} for three"


def unit_axis(
    network: nn.Module,
    path: str,
    call: Call,
    output: str,
    images: int,
    found: Trace,
    resized: Callable[[], Shape | None],
) -> int | str:
    """The axis of the units in a layer's output.

    What the module's own class says counts; next what the library, modules with an output of the
    same shape, and the last module with a known width inside or before it say, which must agree. An
    axis whose size follows the size of the image holds positions, whatever the others say.

    Args:
        network: The whole network.
        path: The layer's module path.
        call: The call of the layer that is read.
        output: Which of its tensors.
        images: The axis of the images.
        found: The run that the call is of.
        resized: Gives the shape of the same output on images of another size; None where the
            network does not take them.

    Returns:
        The axis; or why it is not known.
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
            own.claim(shape, images) if own and first else None,
            library,
            *_same_shape(found, shape, images),
            _last_width(found, call, shape, images),
        )
        if axis is not None
    )
    staying = _staying(shape, resized(), others)
    if staying is not None:
        claims = dict.fromkeys(axis for axis in claims if axis in staying) or claims
        if len(staying) == 1:
            claims[staying[0]] = None
        if not set(claims) <= set(staying):
            return "modules and the size of the image say different axes"
    if len(claims) > 1:
        named = " and ".join(f"axis {axis} ({shape[axis]})" for axis in claims)
        return f"its modules say different axes: {named}"
    if claims:
        [axis] = claims
        # Of two axes of one size a module may have swapped them.
        alone = only_axis(shape, shape[axis], images) == axis
        return axis if alone or staying or axis == library else "two of its axes are of one size"
    larger = [axis for axis in others if shape[axis] > 1]
    if len(larger) == 1:
        return larger[0]
    return others[0] if not larger else "no module says which axis holds units"


def own_axis(call: Call, output: str, images: int) -> int | None:
    """The axis of the units by the word of the module's own class; None where it says nothing."""
    own = call.width
    if own is None or own.axis is None or next(iter(call.outputs)) != output:
        return None
    return own.claim(call.outputs[output].shape, images)


def _library(network: nn.Module, path: str, shape: Shape, images: int) -> int | None:
    """Timm's word on its stages: number of channels, and the order of axes."""
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


def _same_shape(found: Trace, shape: Shape, images: int) -> Iterable[int | None]:
    """What other modules say whose output has the same shape."""
    for other in found.calls:
        first = next(iter(other.outputs.values()), None)
        if other.width and first and first.shape == shape:
            yield other.width.claim(shape, images)


def _last_width(found: Trace, call: Call, shape: Shape, images: int) -> int | None:
    """The axis as long as the width of the last module inside, or else before, a layer."""
    ended = [c for c in found.calls if c.end < call.end and c.width]
    inside = [other for other in ended if other.start > call.start]
    before = [other for other in ended if other.end < call.start]
    last = next(reversed(inside or before), None)
    if last is None or last.width is None or not last.outputs:
        return None
    width = last.width
    axis = only_axis(shape, width.units, images)
    given = next(iter(last.outputs.values())).shape
    # A linear layer on transposed tokens counts tokens: its word holds where nothing moved.
    kept = len(given) == len(shape) and width.claim(given, images) == axis
    return axis if width.channels or kept else None


def _staying(shape: Shape, resized: Shape | None, others: list[int]) -> list[int] | None:
    """Axes whose size does not follow the size of the image; None where that is not known."""
    if resized is None or len(resized) != len(shape):
        return None
    staying = [axis for axis in others if resized[axis] == shape[axis]]
    return staying if 0 < len(staying) < len(others) else None


def is_map(shape: Shape, axes: Sequence[int], size: tuple[int, int]) -> bool:
    """Whether two axes may be height and width: as long to one another as the image's sides."""
    height, width = (shape[axis] for axis in axes)
    return abs(height * size[1] - width * size[0]) <= max(size)
