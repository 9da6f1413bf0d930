"""Read pickled dictionaries of texts, numbers and arrays, such as CIFAR's, and run nothing of them.

A pickle may call anything that it can import. Here it can import four names alone, and what stands
behind these is inert: an array is only put together once the whole pickle has been read.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Type:
    """What stands for numpy.ndarray: a name to hand on, never made."""

    def __init__(self, *_: object) -> None:
        raise pickle.UnpicklingError("an array may be rebuilt only, not made")


class _Dtype:
    """What stands for numpy.dtype."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code = code.decode("ascii", "replace") if isinstance(code, bytes) else str(code)

    def __setstate__(self, state: object) -> None:
        """Byte order and the like: nothing that matters to single bytes."""


class _Array:
    """What stands for an array until its state is known."""

    def __init__(self, *_: object) -> None:
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


def _bytes(text: object = "", encoding: object = "latin1") -> bytes:
    """As Python 3 writes bytes where a pickle is to be read by Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("only latin1 texts stand for bytes")
    return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Type,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _bytes,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module_name}.{global_name}, which no array needs"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for an object outside of it")


def read_pickled(data: bytes) -> dict[str, Any]:
    """Read a pickled dictionary, of Python 2's or 3's.

    Args:
        data: The whole pickle.

    Returns:
        By name, as a text: lists, numbers and texts as they are (texts of Python 2 as bytes), and
        arrays of unsigned bytes as uint8 arrays.

    Raises:
        ValueError: It is damaged, no dictionary, or asks for anything but arrays of bytes.
    """
    try:
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(loaded, dict):
        raise ValueError("it holds no dictionary")  # noqa: TRY004  (a fault of the file)
    return {_text(key): _plain(value) for key, value in loaded.items()}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: object) -> Any:
    return _built(value) if isinstance(value, _Array) else value


def _built(array: _Array) -> NDArray[np.uint8]:
    try:
        _, shape, dtype, fortran, content = array.state
        code = dtype.code
        flat = np.frombuffer(content, dtype=np.uint8)
        shaped = flat.reshape(shape, order="F" if fortran else "C")
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"an array is damaged: {error}") from error
    if code.lstrip("|<>=") not in ("u1", "B"):
        raise ValueError(f"an array is of {code!r}, not of unsigned bytes")
    return shaped
