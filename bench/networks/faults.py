"""What is wrong with a transform's result, or with a network that fails on it, in words."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from bench.errors import NetworkError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

_WANTED = "return a float32 tensor [3, H, W]"


def view(transform: Callable[[Image], Tensor], image: Image, role: str, name: str) -> Tensor:
    """Transform an image, and check the result.

    Args:
        transform: The target's or the encoder's.
        image: The image.
        role: "target" or "encoder", for messages.
        name: What the image is called.

    Returns:
        float32 [C, H, W].

    Raises:
        NetworkError: The transform fails or gives something else.
    """
    import torch

    try:
        found = transform(image)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a user's own code may fail in any way
        raise NetworkError(
            f"the {role}'s transform fails on {name}: {type(error).__name__}: {error}", where=role
        ) from error
    if torch.is_tensor(found) and found.dtype == torch.float32 and found.ndim == 3:
        return found
    raise NetworkError(
        f"the {role}'s transform turns {name} into {_described(found)}",
        where=role,
        hint=_hint(found),
    )


def explain_failure(module: nn.Module, shape: Sequence[int], error: BaseException) -> NetworkError:
    """Say why a network fails on a batch.

    Args:
        module: The network.
        shape: Of the batch, [B, C, H, W].
        error: What it raised.
    """
    told = f"the network fails on a batch {list(shape)}: {type(error).__name__}: {error}"
    required = _required_inputs(module)
    if len(required) > 1:
        return NetworkError(
            f"{told}; its forward takes {len(required)} inputs ({', '.join(required)})",
            where="target",
            hint="wrap it in a module whose forward takes a batch of images alone",
        )
    if shape[-1] in (1, 3) and shape[1] not in (1, 3):
        hint = "the transform puts channels last: let it return [3, H, W], as .permute(2, 0, 1)"
    else:
        hint = (
            "check that the network takes batches of what its transform gives; "
            "target.params.input_size and target.params.resize set other sizes"
        )
    return NetworkError(told, where="target", hint=hint)


def _required_inputs(module: nn.Module) -> list[str]:
    """Names of the arguments that a network cannot run without."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):  # not written in Python
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in optional]


def _described(found: Any) -> str:
    kind = type(found)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    shape, dtype = getattr(found, "shape", None), getattr(found, "dtype", None)
    if shape is None or dtype is None:
        return f"a value of type {name}"
    return f"a {name} of {dtype} {list(shape)}"


def _hint(found: Any) -> str:
    import torch

    if not torch.is_tensor(found):
        how = "torch.from_numpy(array)" if type(found).__module__ == "numpy" else "ToTensor()"
        return f"{_WANTED}, as of {how}"
    if found.ndim == 4 and found.shape[0] == 1:
        return f"{_WANTED} without an axis of the batch, as of .squeeze(0)"
    if not found.is_floating_point():
        return f"{_WANTED} with values of 0 to 1, as of .float() / 255 or ToTensor()"
    if found.ndim == 3:
        return f"{_WANTED}, as of .float()"
    return _WANTED
