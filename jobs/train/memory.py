"""How much memory a training takes at most, and whether there is as much.

Of the orders that a model is fitted on, all features are in memory at once: eight bytes for each
value, as scikit-learn wants them, and two while it puts them into bins. Of all other orders only
their labels are, and the hold-out is scored batch after batch.
"""

from typing import Final

from jobs.machine import usable_memory
from jobs.train.errors import NotEnoughMemory

BYTES_OF_A_VALUE: Final = 10
"""A float64, the number of its bin, and whether that is the one of nulls."""
BYTES_OF_AN_ORDER: Final = 200
"""Labels, instants and scores, and copies of them while they are sorted and measured."""
BYTES_OF_A_FITTED_ORDER: Final = 200
"""Gradients, hessians and weights, and one column at a time while medians are found."""
ROWS_FOR_BINS: Final = 200_000
"""scikit-learn copies so many rows, at most, to choose the bounds of its bins by."""
CONSTANT_BYTES: Final = 600_000_000
"""Python with its libraries, and a batch of a file while it is decoded."""


def memory_needed(orders: int, fitted: int, features: int) -> int:
    """The bytes that a training has in memory at most, if it is fitted on so many of the orders."""
    copied = 8 * min(fitted, ROWS_FOR_BINS)
    values = (BYTES_OF_A_VALUE * fitted + copied) * features
    return CONSTANT_BYTES + BYTES_OF_AN_ORDER * orders + BYTES_OF_A_FITTED_ORDER * fitted + values


def most_fitted(orders: int, features: int, present: int) -> int:
    """On how many of the orders a model can be fitted with so much memory; 0 if on none."""
    left = present - memory_needed(orders, 0, features)
    with_copy = left // (BYTES_OF_A_FITTED_ORDER + (BYTES_OF_A_VALUE + 8) * features)
    if with_copy <= ROWS_FOR_BINS:
        return max(with_copy, 0)
    left -= 8 * ROWS_FOR_BINS * features
    return left // (BYTES_OF_A_FITTED_ORDER + BYTES_OF_A_VALUE * features)


def check_memory(
    *, orders: int, fitted: int, charged_back: int, features: int, reserved: int = 0
) -> None:
    """Raise NotEnoughMemory unless the training fits; processes beside it have `reserved` bytes.

    `charged_back` of the fitted orders stay in any sample.
    """
    present = usable_memory() - reserved
    needed = memory_needed(orders, fitted, features)
    if needed <= present:
        return
    most = _rounded_down(most_fitted(orders, features, present))
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
