"""Explain in words why a transform's result is not an input, or why a network fails."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from bench.errors import NetworkError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image
    from torch import Tensor, nn

_EXPECTED = "return a float32 tensor [3, H, W]"


def apply_transform(
    transform: Callable[[Image], Tensor], image: Image, role: str, name: str
) -> Tensor:
    """Transform an image, and check the result.

    Args:
        transform: The target's or the encoder's.
        image: The image.
        role: "target" or "encoder", for messages.
        name: The name of the image, for messages.

    Returns:
        float32 [C, H, W].

    Raises:
        NetworkError: The transform fails or returns something else.
    """
    import torch

    try:
        result = transform(image)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a user's own code may fail in any way
        raise NetworkError(
            f"the {role}'s transform fails on {name}: {type(error).__name__}: {error}", where=role
        ) from error
    if torch.is_tensor(result) and result.dtype == torch.float32 and result.ndim == 3:
        return result
    raise NetworkError(
        f"the {role}'s transform turns {name} into {_describe(result)}",
        where=role,
        hint=_hint(result),
    )


def explain_failure(module: nn.Module, shape: Sequence[int], error: BaseException) -> NetworkError:
    """Explain why a network fails on a batch.

    Args:
        module: The network.
        shape: Of the batch, [B, C, H, W].
        error: What it raised.
    """
    message = f"the network fails on a batch {list(shape)}: {type(error).__name__}: {error}"
    required = _required_inputs(module)
    if len(required) > 1:
        return NetworkError(
            f"{message}; its forward takes {len(required)} inputs ({', '.join(required)})",
            where="target",
            hint="wrap it in a module whose forward takes a batch of images alone",
        )
    if shape[-1] in (1, 3) and shape[1] not in (1, 3):
        hint = "the transform puts channels last: let it return [3, H, W], as .permute(2, 0, 1)"
    else:
        hint = (
            "check that the network takes batches of what its transform returns; "
            "target.params.input_size and target.params.resize set other sizes"
        )
    return NetworkError(message, where="target", hint=hint)


def _required_inputs(module: nn.Module) -> list[str]:
    """Return the names of the arguments of `forward` without a default."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):  # not written in Python
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in optional]


def _describe(result: Any) -> str:
    kind = type(result)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    shape, dtype = getattr(result, "shape", None), getattr(result, "dtype", None)
    if shape is None or dtype is None:
        return f"a value of type {name}"
    return f"a {name} of {dtype} {list(shape)}"


def _hint(result: Any) -> str:
    import torch

    if not torch.is_tensor(result):
        is_array = type(result).__module__ == "numpy"
        return f"{_EXPECTED}, as of {'torch.from_numpy(array)' if is_array else 'ToTensor()'}"
    if result.ndim == 4 and result.shape[0] == 1:
        return f"{_EXPECTED} without a batch axis, as of .squeeze(0)"
    if not result.is_floating_point():
        return f"{_EXPECTED} with values of 0 to 1, as of .float() / 255 or ToTensor()"
    if result.ndim == 3:
        return f"{_EXPECTED}, as of .float()"
    return _EXPECTED
