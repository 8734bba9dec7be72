"""Unpickling that imports listed names only: those that a trained pipeline needs."""

from __future__ import annotations

import io
import pickle
from typing import Any, Final

ALLOWED: Final = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
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


class ForbiddenName(pickle.UnpicklingError):
    """A pickle imports a name that no trained pipeline needs."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(f"it imports {module}.{name}, which no model needs")
        self.module, self.name = module, name


class _AllowListUnpickler(pickle.Unpickler):
    """Imports the names of `ALLOWED`, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise ForbiddenName(module, name)
        return super().find_class(module, name)


def unpickle(content: bytes) -> Any:
    """The object that `content` holds; nothing outside `ALLOWED` is imported or called.

    Raises pickle.UnpicklingError; ForbiddenName, a kind of it, for any other import.
    """
    try:
        return _AllowListUnpickler(io.BytesIO(content)).load()
    except (EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError) as error:
        raise pickle.UnpicklingError(str(error)) from error
