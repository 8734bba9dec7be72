"""Arrays and numbers of a pickle: copies of its own bytes, of dtypes that hold no objects."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NUMBERS: Final[Mapping[str, np.dtype[Any]]] = MappingProxyType(
    {code: np.dtype(f"<{code}") for code in ("i1", "u1", "u4", "i8", "u8", "f8")}
)
"""The types of number in fitted attributes, by the code that a pickle has for them."""

NODES: Final = np.dtype(
    [
        ("value", "<f8"),
        ("count", "<u4"),
        ("feature_idx", "<i8"),
        ("num_threshold", "<f8"),
        ("missing_go_to_left", "u1"),
        ("left", "<u4"),
        ("right", "<u4"),
        ("gain", "<f8"),
        ("depth", "<u4"),
        ("is_leaf", "u1"),
        ("bin_threshold", "u1"),
        ("is_categorical", "u1"),
        ("bitset_idx", "<u4"),
    ]
)
"""A node of a boosted tree, as scikit-learn lays it out."""

FOREST_NODES: Final = np.dtype(
    {
        "names": [
            "left_child",
            "right_child",
            "feature",
            "threshold",
            "impurity",
            "n_node_samples",
            "weighted_n_node_samples",
            "missing_go_to_left",
        ],
        "formats": ["<i8", "<i8", "<i8", "<f8", "<f8", "<i8", "<f8", "u1"],
        "offsets": range(0, 64, 8),
        "itemsize": 64,
    }
)
"""A node of a forest's tree; it ends in seven unused bytes."""

_NODES_BY_CODE: Final[Mapping[str, np.dtype[Any]]] = MappingProxyType(
    {dtype.str[1:]: dtype for dtype in (NODES, FOREST_NODES)}
)


class Sealed(type):
    """A class whose attributes can't be changed, so that BUILD has no effect on it."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise TypeError(f"{name} of a class can't be set")

    def __delattr__(cls, name: str) -> None:
        raise TypeError(f"{name} of a class can't be removed")


class Dtype(metaclass=Sealed):
    """Stands in for `numpy.dtype`: the code and the state that a pickle gives, not yet checked."""

    __slots__ = ("code", "state")

    def __init__(self, code: str, align: object = False, copy: object = True) -> None:
        self.code = code
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def number(self) -> np.dtype[Any]:
        """The dtype, if it is one of plain numbers; raises UnpicklingError for any other."""
        dtype = NUMBERS.get(self.code) if type(self.code) is str else None
        if dtype is None or self.state != dtype.__reduce__()[2]:
            raise pickle.UnpicklingError(f"it has an array of {self.code!r}, which no model needs")
        return dtype

    def known(self) -> np.dtype[Any]:
        """The dtype, if it is one of numbers or of nodes; raises UnpicklingError for any other."""
        nodes = _NODES_BY_CODE.get(self.code) if type(self.code) is str else None
        if nodes is None:
            return self.number()
        version, order, base, names, fields, *sizes = self.state
        given = {name: (dtype.number(), offset) for name, (dtype, offset) in fields.items()}
        if (version, order, base, names, given, *sizes) != nodes.__reduce__()[2]:
            raise pickle.UnpicklingError("it has trees of other nodes than scikit-learn has here")
        return nodes


class Array(metaclass=Sealed):
    """Stands in for NumPy's `_frombuffer`: calling it gives an array of its own bytes."""

    __slots__ = ()

    def __new__(  # type: ignore[misc]
        cls, content: bytes, dtype: Dtype, shape: tuple[int, ...], order: str
    ) -> NDArray[Any]:
        """The array, if it may be made; raises UnpicklingError."""
        values = np.frombuffer(_own_bytes(content), _draft(dtype).known())
        return values.reshape(shape, order="F" if order == "F" else "C")


class Number(metaclass=Sealed):
    """Stands in for NumPy's `scalar`: calling it gives one number."""

    __slots__ = ()

    def __new__(cls, dtype: Dtype, content: bytes) -> Any:
        """The number, if it may be made; raises UnpicklingError."""
        (number,) = np.frombuffer(_own_bytes(content), _draft(dtype).number())
        return number


def _own_bytes(content: object) -> bytearray:
    """A copy of bytes that the pickle holds; never the memory of any other object."""
    if type(content) not in (bytes, bytearray):
        raise pickle.UnpicklingError(f"it has an array over a {type(content).__name__}")
    return bytearray(content)  # type: ignore[call-overload,no-any-return]


def _draft(dtype: object) -> Dtype:
    if type(dtype) is not Dtype:
        raise pickle.UnpicklingError(f"it has an array whose dtype is a {type(dtype).__name__}")
    return dtype
