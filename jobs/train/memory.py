"""How much memory a training takes at most, and whether there is as much.

Of the orders that a model is fitted on, all features are in memory at once: eight bytes for each
value, and what the estimator copies of them. Of all other orders only their labels are, and the
hold-out is scored batch after batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jobs.machine import usable_memory
from jobs.train.errors import NotEnoughMemory

BYTES_OF_AN_ORDER: Final = 200
"""Labels, instants and scores, and copies of them while they are sorted and measured."""
BYTES_OF_A_FITTED_ORDER: Final = 200
"""Gradients, hessians and weights, and one column at a time while medians are found."""
CONSTANT_BYTES: Final = 600_000_000
"""Python with its libraries, and a batch of a file while it is decoded."""
MOST_NULL_COLUMNS: Final = 32
"""How many columns that tell nulls a logistic regression has at most."""


@dataclass(frozen=True, slots=True)
class MatrixMemory:
    """The bytes of each value of the matrix, and of those of `copied_rows` rows at most.

    `bytes_of_null_columns` are those of a fitted order's value in a column that tells nulls.
    """

    bytes_of_a_value: int
    copied_rows: int = 0
    bytes_of_null_columns: int = 0

    def of_a_row(self, features: int) -> int:
        """The bytes of a row that is fitted on, without the copied rows."""
        null_columns = self.bytes_of_null_columns * min(features, MOST_NULL_COLUMNS)
        return BYTES_OF_A_FITTED_ORDER + self.bytes_of_a_value * features + null_columns


MEMORY_OF: Final[Mapping[str, MatrixMemory]] = MappingProxyType(
    {
        # A float64, the number of its bin, and whether that is the one of nulls. scikit-learn
        # copies so many rows, at most, to choose the bounds of its bins by.
        "boosting": MatrixMemory(10, copied_rows=200_000),
        # A float64, and it again as a column of the regression, and times the row's weight in a
        # step of Newton's method; a column of nulls is in the last two.
        "logistic": MatrixMemory(24, bytes_of_null_columns=16),
        # A float64, and it again as a float32, and whether that is infinite.
        "forest": MatrixMemory(13),
    }
)
"""By the names of the estimators."""


def memory_needed(
    orders: int, fitted: int, features: int, of: MatrixMemory = MEMORY_OF["boosting"]
) -> int:
    """The bytes that a training has in memory at most, if it is fitted on so many of the orders."""
    copied = 8 * min(fitted, of.copied_rows) * features
    return CONSTANT_BYTES + BYTES_OF_AN_ORDER * orders + of.of_a_row(features) * fitted + copied


def most_fitted(
    orders: int, features: int, present: int, of: MatrixMemory = MEMORY_OF["boosting"]
) -> int:
    """On how many of the orders a model can be fitted with so much memory; 0 if on none."""
    left = present - memory_needed(orders, 0, features, of)
    with_copy = left // (of.of_a_row(features) + 8 * features)
    if with_copy <= of.copied_rows:
        return max(with_copy, 0)
    return max((left - 8 * of.copied_rows * features) // of.of_a_row(features), 0)


def check_memory(
    *,
    orders: int,
    fitted: int,
    charged_back: int,
    features: int,
    of: MatrixMemory,
    reserved: int = 0,
) -> None:
    """Raise NotEnoughMemory unless the training fits; processes beside it have `reserved` bytes.

    `charged_back` of the fitted orders stay in any sample.
    """
    present = usable_memory() - reserved
    needed = memory_needed(orders, fitted, features, of)
    if needed <= present:
        return
    most = _rounded_down(most_fitted(orders, features, present, of))
    raise NotEnoughMemory(
        orders=fitted,
        features=features,
        needed=needed,
        present=present,
        remedy=f"fit it on a sample, with all charged back orders, by --sample {most}, or "
        "run it where there is more"
        if most > charged_back
        else "run it where there is more, or train on fewer days",
    )


def _rounded_down(number: int) -> int:
    """The number with its first two digits, and zeros after them."""
    zeros = max(len(str(number)) - 2, 0)
    return int(str(number)[:2]) * int("1" + "0" * zeros)
