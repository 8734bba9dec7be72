"""Unpickling that makes only what a trained pipeline consists of.

A pickle is a program: it imports callables and calls them with arguments of its own. So it never
gets a callable of scikit-learn or NumPy, only a stand-in that makes one kind of thing and checks
its arguments:

- a class of `CLASSES` is a stand-in that makes an empty instance of it, whose attributes the pickle
  then sets;
- an array or a number comes from bytes of the pickle, copied, and one of a fixed set of dtypes,
  none of which holds objects;
- a stand-in itself can't be changed.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

CLASSES: Final = frozenset(
    {
        ("sklearn._loss._loss", "CyHalfBinomialLoss"),
        ("sklearn._loss.link", "Interval"),
        ("sklearn._loss.link", "LogitLink"),
        ("sklearn._loss.loss", "HalfBinomialLoss"),
        ("sklearn.dummy", "DummyClassifier"),
        ("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
        (
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
            "HistGradientBoostingClassifier",
        ),
        ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
        ("sklearn.pipeline", "Pipeline"),
        ("sklearn.preprocessing._label", "LabelEncoder"),
    }
)

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
"""A node of a tree, as scikit-learn lays it out."""

REFUSALS: Final = (
    ArithmeticError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What damaged or forged content raises, here and in the objects that were made from it."""


class ForbiddenName(pickle.UnpicklingError):
    """A pickle imports a name that no trained pipeline needs."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(f"it imports {module}.{name}, which no model needs")
        self.module, self.name = module, name


class _Sealed(type):
    """A class whose attributes can't be changed, so that BUILD has no effect on it."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise TypeError(f"{name} of a class can't be set")

    def __delattr__(cls, name: str) -> None:
        raise TypeError(f"{name} of a class can't be removed")


class _Dtype(metaclass=_Sealed):
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
        if self.code != NODES.str[1:]:
            return self.number()
        version, order, base, names, fields, *sizes = self.state
        given = {name: (dtype.number(), offset) for name, (dtype, offset) in fields.items()}
        if (version, order, base, names, given, *sizes) != NODES.__reduce__()[2]:
            raise pickle.UnpicklingError("it has trees of other nodes than scikit-learn has here")
        return NODES


class _Array(metaclass=_Sealed):
    """Stands in for NumPy's `_frombuffer`: calling it gives an array of its own bytes."""

    __slots__ = ()

    def __new__(  # type: ignore[misc]
        cls, content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str
    ) -> NDArray[Any]:
        values = np.frombuffer(_own_bytes(content), _draft(dtype).known())
        return values.reshape(shape, order="F" if order == "F" else "C")


class _Number(metaclass=_Sealed):
    """Stands in for NumPy's `scalar`: calling it gives one number."""

    __slots__ = ()

    def __new__(cls, dtype: _Dtype, content: bytes) -> Any:
        (number,) = np.frombuffer(_own_bytes(content), _draft(dtype).number())
        return number


def _own_bytes(content: object) -> bytearray:
    """A copy of bytes that the pickle holds; never the memory of any other object."""
    if type(content) not in (bytes, bytearray):
        raise pickle.UnpicklingError(f"it has an array over a {type(content).__name__}")
    return bytearray(content)  # type: ignore[call-overload,no-any-return]


def _draft(dtype: object) -> _Dtype:
    if type(dtype) is not _Dtype:
        raise pickle.UnpicklingError(f"it has an array whose dtype is a {type(dtype).__name__}")
    return dtype


def _maker(real_class: Any) -> type:
    """Stands in for a class: calling it, without arguments, gives an empty instance."""

    class Maker(metaclass=_Sealed):
        __slots__ = ()

        def __new__(cls) -> Any:
            return real_class.__new__(real_class)

    return Maker


_STAND_INS: Final[Mapping[tuple[str, str], type]] = MappingProxyType(
    {
        ("numpy", "dtype"): _Dtype,
        ("numpy._core.numeric", "_frombuffer"): _Array,
        ("numpy._core.multiarray", "scalar"): _Number,
    }
)


class _StandInUnpickler(pickle.Unpickler):
    """Gives a stand-in for each name that a model needs, and no other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        if (module, name) not in CLASSES:
            raise ForbiddenName(module, name)
        return _maker(super().find_class(module, name))


def unpickle(content: bytes) -> Any:
    """The object that `content` holds, made of instances of `CLASSES`, arrays and plain values.

    Raises pickle.UnpicklingError; ForbiddenName, a kind of it, for an import of another name.
    """
    try:
        return _StandInUnpickler(io.BytesIO(content)).load()
    except REFUSALS as error:
        raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error
