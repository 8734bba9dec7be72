"""Unpickling that makes only what a trained pipeline consists of.

A pickle is a program: it imports callables and calls them with arguments of its own. So it never
gets a callable of scikit-learn or NumPy, only a stand-in that makes one kind of thing and checks
its arguments:

- a class of `CLASSES` is a stand-in that makes an empty instance of it, whose attributes the pickle
  then sets;
- a tree of a forest is made empty, for two classes, and filled once;
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

from features_pkg.models.pickled_arrays import (
    FOREST_NODES,
    Array,
    Dtype,
    Number,
    Sealed,
)

CLASSES: Final = frozenset(
    {
        ("sklearn._loss._loss", "CyHalfBinomialLoss"),
        ("sklearn._loss.link", "Interval"),
        ("sklearn._loss.link", "LogitLink"),
        ("sklearn._loss.loss", "HalfBinomialLoss"),
        ("sklearn.dummy", "DummyClassifier"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
        (
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
            "HistGradientBoostingClassifier",
        ),
        ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.pipeline", "Pipeline"),
        ("sklearn.preprocessing._label", "LabelEncoder"),
        ("sklearn.tree._classes", "DecisionTreeClassifier"),
    }
)

TREE: Final = ("sklearn.tree._tree", "Tree")
MOST_FEATURES: Final = 100_000

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


def _maker(real_class: Any) -> type:
    """Stands in for a class: calling it, without arguments, gives an empty instance."""

    class Maker(metaclass=Sealed):
        __slots__ = ()

        def __new__(cls) -> Any:
            return real_class.__new__(real_class)

    return Maker


def _tree_maker(real_class: Any) -> type:
    """Stands in for the class of a forest's trees, whose nodes BUILD copies into their memory.

    scikit-learn makes room for them once. So a tree is built once, from what its own arrays hold.
    """

    class Tree(real_class):  # type: ignore[misc]
        __slots__ = ()

        def __setstate__(self, state: dict[str, Any]) -> None:
            nodes, values = state["nodes"], state["values"]
            if self.capacity or nodes.dtype != FOREST_NODES or not nodes.size:
                raise pickle.UnpicklingError("it builds a tree twice, or of no nodes")
            if state["node_count"] != nodes.size or values.shape != (nodes.size, 1, 2):
                raise pickle.UnpicklingError("it has a tree of another size than its nodes")
            super().__setstate__(state)

    class Maker(metaclass=Sealed):
        __slots__ = ()

        def __new__(cls, features: int, classes: NDArray[Any], outputs: int) -> Any:
            if type(features) is not int or not 0 < features <= MOST_FEATURES or outputs != 1:
                raise pickle.UnpicklingError(f"it has a tree over {features!r} features")
            if type(classes) is not np.ndarray or classes.tolist() != [2]:
                raise pickle.UnpicklingError("it has a tree of other classes than two")
            return Tree(features, classes, 1)

    return Maker


_STAND_INS: Final[Mapping[tuple[str, str], type]] = MappingProxyType(
    {
        ("numpy", "dtype"): Dtype,
        ("numpy._core.numeric", "_frombuffer"): Array,
        ("numpy._core.multiarray", "scalar"): Number,
    }
)


class _StandInUnpickler(pickle.Unpickler):
    """Gives a stand-in for each name that a model needs, and no other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        if (module, name) == TREE:
            return _tree_maker(super().find_class(module, name))
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
