"""Building of networks by a user's own code, and the state in which all networks run."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import NetworkError, UserError
from bench.networks.loaded import LoadedTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image
    from torch import Tensor, nn

    Transform = Callable[[Image], Tensor]


def call_builder(
    build: Callable[[], Any], what: str, where: str
) -> tuple[nn.Module, Transform | None]:
    """Call a function that builds a network, with fixed seeds so that its weights are reproducible.

    Args:
        build: Returns a module, or a module and a transform.
        what: The function, for messages.
        where: Its config key.

    Raises:
        NetworkError: The function fails, or returns something else.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]), _fixed_seeds():
        torch.manual_seed(0)
        try:
            result = build()
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # user code may raise anything
            raise NetworkError(
                f"{what} fails: {type(error).__name__}: {error}", where=where
            ) from error
    module, transform = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
    if not isinstance(module, nn.Module) or not (transform is None or callable(transform)):
        raise NetworkError(
            f"{what} returns {_describe(result)}",
            where=where,
            hint="return a torch.nn.Module, or (module, transform) with a transform that turns an "
            "RGB image into a float tensor [3, H, W]",
        )
    return module, transform


@contextmanager
def _fixed_seeds() -> Iterator[None]:
    """Seed Python's and NumPy's global generators, and restore their state afterwards."""
    import numpy as np

    python, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (the generator of user code)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpys)  # noqa: NPY002


def prepare(
    module: nn.Module, transform: Transform, device: str, notes: tuple[str, ...] = ()
) -> LoadedTarget:
    """Bring a network to float32, eval mode and the device, without gradients.

    Raises:
        NetworkError: The network refuses, or its layers cannot be read.
    """
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        raise NetworkError(
            "the network is scripted: the outputs of its layers cannot be read",
            where="target",
            hint="give the module before torch.jit.script or torch.jit.trace",
        )
    _check_values(module)
    try:
        prepared = module.float().eval().requires_grad_(False).to(device)
    except (Exception, SystemExit) as error:  # user code may raise anything
        raise NetworkError(
            f"the network, a {type(module).__name__}, cannot be brought to float32 and eval mode "
            f"on {device}: {type(error).__name__}: {error}",
            where="target",
            hint="give a plain torch.nn.Module",
        ) from error
    return LoadedTarget(prepared, transform, notes)


def _check_values(module: nn.Module) -> None:
    """Check that all weights have values."""
    from torch.nn.parameter import is_lazy

    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if is_lazy(tensor) or tensor.is_meta:
            raise NetworkError(
                f"the weight {name} has no values yet (a lazy module, or torch's meta device)",
                where="target",
                hint="initialise the weights in the function: run a lazy module once, and build on "
                "the cpu instead of meta",
            )


def hash_tensors(module: nn.Module) -> str:
    """Return the sha256 of a network's parameters and buffers: names, types, shapes and bytes.

    Raises:
        NetworkError: A tensor has no values.
    """
    import torch

    _check_values(module)
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if not torch.is_tensor(tensor):  # a module's extra state
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _describe(result: object) -> str:
    if isinstance(result, Mapping):
        return "a mapping (a state dict is given as `file`)"
    if isinstance(result, tuple):
        return f"({', '.join(type(value).__name__ for value in result)})"
    name = type(result).__name__
    return f"an {name}, whose layers cannot be read" if name == "ExportedProgram" else name
