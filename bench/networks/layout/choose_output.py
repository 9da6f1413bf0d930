"""Choose the call and the output of a module that a layer's name means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from bench.errors import LayerError
from bench.networks.layout.address import parse_address
from bench.networks.layout.outputs import pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.networks.layout.trace import Call


def refuse(layer: str, gives: str, *, where: str = "target.layers", hint: str = "") -> NoReturn:
    """Raise a `LayerError` with a layer's calls and outputs.

    Raises:
        LayerError: Always.
    """
    raise LayerError(layer, f"layer {layer!r} gives {gives}", where=where, hint=hint)


def choose_output(layer: str, calls: Sequence[Call]) -> tuple[int, str]:
    """Choose the call and the output that a layer's name means.

    Args:
        layer: The layer's name.
        calls: All calls of its module in a forward pass; at least one.

    Returns:
        (number of the call, name of the output): the last call and its first tensor by default.

    Raises:
        LayerError: There is no such call or output, or the name is ambiguous.
    """
    address = parse_address(layer)
    assert address is not None
    path, call, output = address.path, address.call, address.output
    several_calls, several_outputs = len(calls) > 1, len(calls[-1].outputs) > 1
    if address.either:
        if not address.either.isdecimal():
            output = address.either
        elif several_calls and several_outputs:
            refuse(
                layer,
                f"{len(calls[-1].outputs)} tensors in each of {len(calls)} calls, and "
                f"{address.either} may mean either",
                hint=f"name both: {path}:{len(calls) - 1}:0 is the last call's first tensor",
            )
        elif several_outputs:
            output = address.either
        else:
            call = int(address.either)
    call = len(calls) - 1 if call is None else call
    if call >= len(calls):
        count = f"{len(calls)} outputs" if several_calls else "one output"
        refuse(layer, f"{count} a pass: there is no call {call}", hint=name_calls(path, calls))
    names = list(calls[call].outputs)
    if not names:
        refuse(layer, "no tensor", hint="choose a layer just before or after it")
    chosen = pick(names, output) if output else names[0]
    if chosen is None:
        refuse(
            layer,
            f"no output {output!r}",
            hint=name_calls(path, calls)
            if several_calls and not several_outputs
            else f"name one of {', '.join(f'{path}:{name or 0}' for name in names)}",
        )
    return call, chosen


def name_calls(path: str, calls: Sequence[Call]) -> str:
    """Return a hint that names the calls of a module."""
    last = f" to {path}:{len(calls) - 1}" if len(calls) > 1 else ""
    return f"name a call: {path}:0{last}"
