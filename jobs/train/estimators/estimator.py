"""What each estimator says of itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from jobs.train.memory import MatrixMemory

Fit = Callable[[Floats, NDArray[np.int8], int, Floats | None], Pipeline]
"""Fits a pipeline: the matrix, with NaN for null and no column of nulls alone; classes 0 and 1,
both of them; the seed; and how often each row counts. The matrix stays as it is."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """A kind of model, how it is fitted, and the memory that this takes beside the matrix."""

    name: str
    fit: Fit
    memory: MatrixMemory
