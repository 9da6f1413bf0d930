"""Find out how layers are read, by showing the network a few synthetic images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from bench.errors import LayerError
from bench.networks.faults import explain_failure
from bench.networks.layout.address import module_path, parse_address
from bench.networks.layout.choose import choose_output, name_calls, refuse
from bench.networks.layout.layout import PLAIN, Layout
from bench.networks.layout.pool import settle_pooling
from bench.networks.layout.runs import Runs
from bench.networks.layout.units import image_axis, is_map, own_axis, unit_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from bench.networks.layout.settings import LayoutSettings
    from bench.networks.layout.trace import Call, Trace
    from bench.networks.loaded import LoadedTarget


def find_layouts(
    target: LoadedTarget, layers: Sequence[str], settings: LayoutSettings
) -> dict[str, Layout | LayerError]:
    """Find out how each layer is read.

    Args:
        target: The network, with any weights.
        layers: Names of its layers; one that it does not have is taken as plain.
        settings: What was asked for.

    Returns:
        By layer its layout, or why it cannot be read.

    Raises:
        UserError: The transform does not give a network's input.
    """
    runs = Runs(target)
    found: dict[str, Layout | LayerError] = {}
    for layer in layers:
        try:
            found[layer] = _Search(runs, layer, settings).layout()
        except LayerError as error:
            found[layer] = error
    return found


@dataclass
class _Search:
    """The search for one layer's layout; each step raises `LayerError` where it fails."""

    runs: Runs
    layer: str
    settings: LayoutSettings

    def layout(self) -> Layout:
        """The layer's layout."""
        address = parse_address(self.layer)
        module = self.runs.modules.get(address.path if address else self.layer)
        if address is None or module is None:
            return PLAIN  # not a layer of this network: `resolve_layers` says so
        calls = self.runs.two.of(module)
        if self._given and not calls and self.runs.two.error is not None:
            return self._as_told()
        self._check_ran(calls)
        number, output = choose_output(self.layer, calls)
        call = calls[number]
        shape = call.outputs[output].shape
        images = self._images(module, number, output)
        axes = self._told(shape) or self._axes(call, output, images, number)
        if len(axes) != len(shape) or axes.index("B") != images:
            quoted = self.layer.replace(":", r"\:")
            refuse(
                self.layer,
                f"{_shape(shape, images)}, which is not {axes}",
                where="target.axes",
                hint=f"name {len(shape)} axes, with B for axis {images}; layers with other axes by "
                f"name: target.axes={{{quoted}: ...}}",
            )
        own = own_axis(call, output, images)
        if self._for_all and own is not None and axes[own] != "U":
            refuse(
                self.layer,
                f"{_shape(shape, images)}, whose units are axis {own}: it is a "
                f"{type(module).__name__} of {shape[own]}, and {axes} was given for all layers",
                where="target.axes",
                hint="give axes by the names of the layers that have them: target.axes={NAME: "
                f"{axes}}}",
            )
        if not shape[axes.index("U")]:
            refuse(
                self.layer,
                f"{_shape(shape, images)}, no unit at all",
                hint="choose another layer or output",
            )
        told = Layout(
            axes=axes,
            pooling="max" if self.settings.pooling == "max" else "avg",
            call=number,
            calls=len(calls),
            output=output,
            outputs=tuple(call.outputs) if len(call.outputs) > 1 else (),
            shape=tuple(0 if axis == images else n for axis, n in enumerate(shape)),
        )
        if address.call is None and not (address.either and len(calls) > 1):
            self._check_calls(module, calls, told)
        return settle_pooling(self.runs, self.layer, self.settings, told, images)

    @property
    def _given(self) -> str:
        return self.settings.axes_of(self.layer)

    @property
    def _for_all(self) -> bool:
        """Whether axes were given, and not for this layer by name."""
        return bool(self._given) and not self.settings.names(self.layer)

    def _told(self, shape: tuple[int, ...]) -> str:
        """The axes that were given; what was given for all layers says nothing of [B, U]."""
        return "" if self._for_all and len(shape) == 2 else self._given

    def _check_ran(self, calls: list[Call]) -> None:
        if calls:
            return
        if self.runs.two.error is not None:
            self._refuse_run(self.runs.two)
        if self.runs.scripted:
            raise LayerError(
                self.layer,
                f"layer {self.layer!r} is inside a scripted module (torch.jit), whose layers "
                "cannot be read while it runs",
                hint="give the network as a plain torch.nn.Module",
            )
        raise LayerError(
            self.layer,
            f"layer {self.layer!r} does not run when the network is shown images",
            hint="choose a layer that the network's output depends on",
        )

    def _as_told(self) -> Layout:
        """The layout by the settings alone, of a network that fails on synthetic images."""
        pooling, tokens = self.settings.pooling, self.settings.prefix_tokens
        if "T" in self._given and (tokens is None or pooling == "auto"):
            self._refuse_run(self.runs.two)
        prefix = tokens or 0 if "T" in self._given else 0
        return Layout(self._given, {"auto": "avg"}.get(pooling, pooling), prefix)

    def _images(self, module: nn.Module, number: int, output: str) -> int:
        """The axis of the images."""
        two, three = self.runs.two.of(module), self.runs.three.of(module)
        shape = two[number].outputs[output].shape
        if len(three) != len(two) or output not in three[number].outputs:
            axis = self._given.find("B")
            if 0 <= axis < len(shape) and shape[axis] == 2:
                return axis
            if self.runs.three.error is not None:
                self._refuse_run(self.runs.three)
            refuse(
                self.layer,
                "outputs whose number depends on the number of images",
                hint="let the module take all images of a batch at once; or choose another layer",
            )
        found = image_axis(shape, three[number].outputs[output].shape)
        if isinstance(found, str):
            refuse(
                self.layer,
                f"a tensor of shape {list(shape)} for two images: {found}",
                hint="choose a layer whose output holds each image by itself",
            )
        return found

    def _axes(self, call: Call, output: str, images: int, number: int) -> str:
        shape = call.outputs[output].shape
        if not 2 <= len(shape) <= 4:
            refuse(
                self.layer,
                f"{_shape(shape, images)}; units need 2 to 4 axes",
                hint="choose a layer just before or after it"
                + (", or say what its axes are, as in target.axes=BUTHW" if len(shape) > 4 else ""),
            )

        def resized() -> tuple[int, ...] | None:
            again = self.runs.resized.of(call.module)
            seen = again[number].outputs.get(output) if number < len(again) else None
            return seen.shape if seen else None

        network, path = self.runs.network, module_path(self.layer)
        units = unit_axis(network, path, call, output, images, self.runs.two, resized)
        if isinstance(units, str):
            other = " or ".join(
                others[:images] + "B" + others[images:]
                for others in {3: ("TU", "UT"), 4: ("HWU", "UHW")}[len(shape)]
            )
            refuse(
                self.layer,
                f"{_shape(shape, images)}: {units}",
                hint=f"say which axis is what with target.axes, such as {other}",
            )
        rest = [axis for axis in range(len(shape)) if axis not in (images, units)]
        letters = {images: "B", units: "U"}
        letters |= dict(zip(rest, "HW" if len(rest) == 2 else "T" * len(rest), strict=True))
        axes = "".join(letter for _, letter in sorted(letters.items()))
        if len(rest) == 2 and units > rest[0] and not is_map(shape, rest, self.runs.two.size):
            refuse(
                self.layer,
                f"{_shape(shape, images)}: {shape[units]} units, and {shape[rest[0]]} x "
                f"{shape[rest[1]]} is no map of an image",
                hint="to pool over both axes add target.axes="
                + axes.replace("H", "T").replace("W", "T"),
            )
        return axes

    def _check_calls(self, module: nn.Module, calls: list[Call], told: Layout) -> None:
        """Refuse a module whose calls give different numbers of units, where none was named."""
        units = []
        for number, call in enumerate(calls):
            name = told.output if told.output in call.outputs else next(iter(call.outputs), None)
            if name is None:
                continue
            shape = call.outputs[name].shape
            try:
                axes = self._told(shape) or self._axes(
                    call, name, self._images(module, number, name), number
                )
                units.append(shape[axes.index("U")] if len(shape) == len(axes) else 0)
            except LayerError:
                units.append(0)
        if len(set(units)) > 1:
            path = module_path(self.layer)
            refuse(
                self.layer,
                f"{len(calls)} outputs a pass, of different numbers of units "
                f"({', '.join(str(n) if n else 'unknown' for n in units)})",
                hint=name_calls(path, calls),
            )

    def _refuse_run(self, run: Trace) -> NoReturn:
        """Refuse because the network fails on synthetic images."""
        assert run.error is not None
        why = explain_failure(self.runs.network, [run.batch, run.channels, *run.size], run.error)
        raise LayerError(
            self.layer,
            f"layer {self.layer!r} cannot be read: {why.what}",
            hint=f"{why.hint}; or, if it fails on synthetic images alone, say what the layer's "
            "axes are with target.axes",
        ) from run.error


def _shape(shape: tuple[int, ...], images: int) -> str:
    sizes = ["images" if axis == images else str(n) for axis, n in enumerate(shape)]
    return f"a tensor of shape [{', '.join(sizes)}]"
