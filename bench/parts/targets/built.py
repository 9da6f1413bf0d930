"""Networks that a user's own code builds: called with a fixed seed, filled from a file, known."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bench.errors import NetworkError, UserError
from bench.networks.loaded import LoadedTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from torch import Tensor, nn

    from bench.networks.weights_file import WeightsFile

    Transform = Callable[[Image], Tensor]


def call(build: Callable[[], Any], what: str, where: str) -> tuple[nn.Module, Transform | None]:
    """Let the code build the network.

    Weights that it draws at random are the same each time: the seed is fixed around the call.

    Args:
        build: Returns a module, or a module and a transform.
        what: What is called, for messages.
        where: The field that it was given in.

    Raises:
        NetworkError: It fails, or returns something else.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]), _seeded():
        torch.manual_seed(0)
        try:
            result = build()
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # anything may go wrong in a user's own code
            raise NetworkError(
                f"{what} fails: {type(error).__name__}: {error}", where=where
            ) from error
    module, transform = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
    if not isinstance(module, nn.Module) or not (transform is None or callable(transform)):
        raise NetworkError(
            f"{what} returns {_kind(result)}",
            where=where,
            hint="return a torch.nn.Module, or (module, transform) with a transform that turns an "
            "RGB image into a float tensor [3, H, W]",
        )
    return module, transform


@contextmanager
def _seeded() -> Iterator[None]:
    """The same numbers of Python's and NumPy's own generators within, and no trace of it after."""
    import numpy as np

    own, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (what a user's code draws from)
    try:
        yield
    finally:
        random.setstate(own)
        np.random.set_state(numpys)  # noqa: NPY002


def ready(
    module: nn.Module, transform: Transform, device: str, notes: tuple[str, ...] = ()
) -> LoadedTarget:
    """The network as it is run: float32, eval mode, without gradients.

    Raises:
        NetworkError: It cannot be brought there, or its layers cannot be read.
    """
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        raise NetworkError(
            "the network is scripted: layers inside it cannot be read while it runs",
            where="target",
            hint="give the module as it is before torch.jit.script or torch.jit.trace",
        )
    _check_values(module)
    try:
        ready_to_run = module.float().eval().requires_grad_(False).to(device)
    except (Exception, SystemExit) as error:  # a user's own module may refuse anything
        raise NetworkError(
            f"the network, a {type(module).__name__}, cannot be brought to float32 and eval mode "
            f"on {device}: {type(error).__name__}: {error}",
            where="target",
            hint="give a plain torch.nn.Module",
        ) from error
    return LoadedTarget(ready_to_run, transform, notes)


def weights_identity(
    part: Any, weights: WeightsFile, code: str, build: Callable[[], nn.Module]
) -> Mapping[str, Any]:
    """What decides the weights: a file's hash, or else that of the tensors of the built network.

    For the latter the network is built, which needs torch and takes its time: once a process for
    equal arguments. Of a network that cannot be built nothing but that is known.

    Args:
        part: The part, hashable.
        weights: The state dict; of an empty path where the code brings the weights.
        code: What identifies the code.
        build: Builds the network.
    """
    if weights.file:
        return weights.identity()
    try:
        return {"tensors": _hash_built(part, code, _Uncompared(build))}
    except NetworkError:  # its cells fail by themselves when they are run
        return {"unbuilt": True}


class _Uncompared:
    """A function that plays no part when arguments are compared: the others say all of it."""

    def __init__(self, build: Callable[[], nn.Module]) -> None:
        self.build = build

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Uncompared)


@lru_cache(maxsize=4)
def _hash_built(_part: Any, _code: str, build: _Uncompared) -> str:
    module = build.build()
    _check_values(module)
    return hash_tensors(module)


def _check_values(module: nn.Module) -> None:
    """Refuse weights that are not there: their values would be drawn when the network runs.

    Raises:
        NetworkError: A lazy module has not run yet, or a tensor is on torch's meta device.
    """
    from torch.nn.parameter import is_lazy

    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if is_lazy(tensor) or tensor.is_meta:
            raise NetworkError(
                f"the weight {name} has no values yet (a lazy module, or torch's meta device)",
                where="target",
                hint="let the function fill the weights: run a lazy module once, and build on the "
                "cpu rather than on meta",
            )


def hash_tensors(module: nn.Module) -> str:
    """sha256 of the parameters and buffers of a network: names, types, shapes and bytes."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if not torch.is_tensor(tensor):  # extra state of a module's own
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _kind(result: object) -> str:
    if isinstance(result, Mapping):
        return "a mapping (a state dict is given as `file`)"
    if isinstance(result, tuple):
        return f"({', '.join(type(value).__name__ for value in result)})"
    name = type(result).__name__
    return f"an {name}: layers inside it cannot be read" if name == "ExportedProgram" else name
