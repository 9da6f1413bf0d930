"""Safe reading of pickled dictionaries of strings, numbers and arrays, such as CIFAR's.

A pickle may call anything that it can import. Here it can import only four names, which are
replaced by inert classes; arrays are built after the whole pickle has been read.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Type:
    """Placeholder of numpy.ndarray, never instantiated."""

    def __init__(self, *_: object) -> None:
        raise pickle.UnpicklingError("an array may only be reconstructed")


class _Dtype:
    """Placeholder of numpy.dtype."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code = code.decode("ascii", "replace") if isinstance(code, bytes) else str(code)

    def __setstate__(self, state: object) -> None:
        """Ignore byte order and the like, which do not matter for single bytes."""


class _Array:
    """Placeholder of an array, with its state."""

    def __init__(self, *_: object) -> None:
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


def _bytes(text: object = "", encoding: object = "latin1") -> bytes:
    """Decode bytes in pickles that Python 3 writes for Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("only latin1 strings encode bytes")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Type,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _bytes,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it imports {module_name}.{global_name}, which is not allowed"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to an external object")


def read_pickled(data: bytes) -> dict[str, Any]:
    """Read a pickled dictionary of Python 2 or 3.

    Args:
        data: The whole pickle.

    Returns:
        Lists, numbers and strings as they are (strings of Python 2 as bytes), and arrays of
        unsigned bytes as uint8 arrays, by name.

    Raises:
        ValueError: It is damaged, not a dictionary, or needs more than arrays of bytes.
    """
    try:
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not isinstance(loaded, dict):
        raise ValueError("it contains no dictionary")  # noqa: TRY004  (a fault of the file)
    return {
        key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key): (
            _build_array(value) if isinstance(value, _Array) else value
        )
        for key, value in loaded.items()
    }


def _build_array(array: _Array) -> NDArray[np.uint8]:
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
