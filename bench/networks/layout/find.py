"""Find the layouts of layers by running the network on a few synthetic images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from bench.errors import LayerError
from bench.networks.faults import explain_failure
from bench.networks.layout.address import module_path, parse_address
from bench.networks.layout.choose_output import choose_output, name_calls, refuse
from bench.networks.layout.choose_pooling import choose_pooling
from bench.networks.layout.layout import PLAIN, Layout
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
    """Find how each layer is read.

    Args:
        target: The network, with any weights.
        layers: Names of layers; a layer that the network does not have gets the plain layout.
        settings: How layers are to be read.

    Returns:
        By layer its layout, or why it cannot be read.

    Raises:
        UserError: The transform does not return an image tensor.
    """
    runs = Runs(target)
    layouts: dict[str, Layout | LayerError] = {}
    for layer in layers:
        try:
            layouts[layer] = _Search(runs, layer, settings).find()
        except LayerError as error:
            layouts[layer] = error
    return layouts


@dataclass
class _Search:
    """The search for one layer's layout; each step raises `LayerError` when it fails."""

    runs: Runs
    layer: str
    settings: LayoutSettings

    def find(self) -> Layout:
        """Find the layout."""
        address = parse_address(self.layer)
        module = self.runs.modules.get(address.path if address else self.layer)
        if address is None or module is None:
            return PLAIN  # not a layer of this network; `resolve_layers` refuses it
        calls = self.runs.two.calls_of(module)
        if self._given and not calls and self.runs.two.error is not None:
            return self._from_settings()
        self._check_ran(calls)
        number, output = choose_output(self.layer, calls)
        call = calls[number]
        shape = call.outputs[output].shape
        images = self._images(module, number, output)
        axes = self._given_axes(shape) or self._axes(call, output, images, number)
        if len(axes) != len(shape) or axes.index("B") != images:
            quoted = self.layer.replace(":", r"\:")
            self._refuse(
                f"{_shape(shape, images)}, which is not {axes}",
                where="target.axes",
                hint=f"name {len(shape)} axes, with B for axis {images}; layers with other axes by "
                f"name: target.axes={{{quoted}: ...}}",
            )
        own = own_axis(call, output, images)
        if self._for_all and own is not None and axes[own] != "U":
            self._refuse(
                f"{_shape(shape, images)}, whose units are axis {own}: it is a "
                f"{type(module).__name__} of {shape[own]}, and {axes} was given for all layers",
                where="target.axes",
                hint="give axes by the names of the layers that have them: target.axes={NAME: "
                f"{axes}}}",
            )
        if not shape[axes.index("U")]:
            self._refuse(
                f"{_shape(shape, images)}, without a unit",
                hint="choose another layer or output",
            )
        layout = Layout(
            axes=axes,
            pooling="max" if self.settings.pooling == "max" else "avg",
            call=number,
            calls=len(calls),
            output=output,
            outputs=tuple(call.outputs) if len(call.outputs) > 1 else (),
            shape=tuple(0 if axis == images else n for axis, n in enumerate(shape)),
        )
        if address.call is None and not (address.either and len(calls) > 1):
            self._check_calls(module, calls, layout)
        return choose_pooling(self.runs, self.layer, self.settings, layout, images)

    @property
    def _given(self) -> str:
        return self.settings.axes_of(self.layer)

    @property
    def _for_all(self) -> bool:
        """Whether axes are set for all layers, and not for this one by name."""
        return bool(self._given) and not self.settings.names_layer(self.layer)

    def _given_axes(self, shape: tuple[int, ...]) -> str:
        """Return the axes that are set; those for all layers do not apply to [B, U]."""
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

    def _from_settings(self) -> Layout:
        """Return the layout by the settings alone, for a network that fails on synthetic images."""
        pooling, tokens = self.settings.pooling, self.settings.prefix_tokens
        if "T" in self._given and (tokens is None or pooling == "auto"):
            self._refuse_run(self.runs.two)
        prefix = tokens or 0 if "T" in self._given else 0
        return Layout(self._given, {"auto": "avg"}.get(pooling, pooling), prefix)

    def _images(self, module: nn.Module, number: int, output: str) -> int:
        """Find the axis of the images."""
        two, three = self.runs.two.calls_of(module), self.runs.three.calls_of(module)
        shape = two[number].outputs[output].shape
        if len(three) != len(two) or output not in three[number].outputs:
            given = self._given.find("B")
            if 0 <= given < len(shape) and shape[given] == 2:
                return given
            if self.runs.three.error is not None:
                self._refuse_run(self.runs.three)
            self._refuse(
                "outputs whose number depends on the number of images",
                hint="let the module take all images of a batch at once; or choose another layer",
            )
        axis = image_axis(shape, three[number].outputs[output].shape)
        if isinstance(axis, str):
            self._refuse(
                f"a tensor of shape {list(shape)} for two images: {axis}",
                hint="choose a layer whose output holds each image separately",
            )
        return axis

    def _axes(self, call: Call, output: str, images: int, number: int) -> str:
        shape = call.outputs[output].shape
        if not 2 <= len(shape) <= 4:
            self._refuse(
                f"{_shape(shape, images)}; units need 2 to 4 axes",
                hint="choose a layer just before or after it"
                + (", or say what its axes are, as in target.axes=BUTHW" if len(shape) > 4 else ""),
            )

        def resized() -> tuple[int, ...] | None:
            again = self.runs.resized.calls_of(call.module)
            tensor = again[number].outputs.get(output) if number < len(again) else None
            return tensor.shape if tensor else None

        network, path = self.runs.network, module_path(self.layer)
        units = unit_axis(network, path, call, output, images, self.runs.two, resized)
        if isinstance(units, str):
            other = " or ".join(
                others[:images] + "B" + others[images:]
                for others in {3: ("TU", "UT"), 4: ("HWU", "UHW")}[len(shape)]
            )
            self._refuse(
                f"{_shape(shape, images)}: {units}",
                hint=f"say which axis is what with target.axes, such as {other}",
            )
        rest = [axis for axis in range(len(shape)) if axis not in (images, units)]
        letters = {images: "B", units: "U"}
        letters |= dict(zip(rest, "HW" if len(rest) == 2 else "T" * len(rest), strict=True))
        axes = "".join(letter for _, letter in sorted(letters.items()))
        if len(rest) == 2 and units > rest[0] and not is_map(shape, rest, self.runs.two.size):
            self._refuse(
                f"{_shape(shape, images)}: {shape[units]} units, and {shape[rest[0]]} x "
                f"{shape[rest[1]]} is no map of an image",
                hint="to pool over both axes add target.axes="
                + axes.replace("H", "T").replace("W", "T"),
            )
        return axes

    def _check_calls(self, module: nn.Module, calls: list[Call], layout: Layout) -> None:
        """Refuse a module whose calls give different numbers of units, unless one is named."""
        units = []
        for number, call in enumerate(calls):
            name = (
                layout.output if layout.output in call.outputs else next(iter(call.outputs), None)
            )
            if name is None:
                continue
            shape = call.outputs[name].shape
            try:
                axes = self._given_axes(shape) or self._axes(
                    call, name, self._images(module, number, name), number
                )
                units.append(shape[axes.index("U")] if len(shape) == len(axes) else 0)
            except LayerError:
                units.append(0)
        if len(set(units)) > 1:
            path = module_path(self.layer)
            self._refuse(
                f"{len(calls)} outputs a pass, of different numbers of units "
                f"({', '.join(str(n) if n else 'unknown' for n in units)})",
                hint=name_calls(path, calls),
            )

    def _refuse(self, gives: str, *, where: str = "target.layers", hint: str) -> NoReturn:
        refuse(self.layer, gives, where=where, hint=hint)

    def _refuse_run(self, run: Trace) -> NoReturn:
        """Refuse a network that fails on synthetic images."""
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
