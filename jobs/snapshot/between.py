"""Which rows lie between the bounds of two snapshots, and the chargebacks of their orders."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Ints, Mask

_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Between:
    """The rows within the bounds of one snapshot and not within those of an earlier one.

    Cutoffs are epoch µs, the others recorded keys; a row is within if it is below both.
    """

    earlier_us: int
    earlier_key: int
    later_us: int
    later_key: int

    def is_counted(self, at_us: Ints, recorded_key: Ints) -> Mask:
        """Which rows the later one has."""
        return (at_us < self.later_us) & (recorded_key < self.later_key)

    def is_new(self, at_us: Ints, recorded_key: Ints) -> Mask:
        """Which rows the later one alone has."""
        is_old = (at_us < self.earlier_us) & (recorded_key < self.earlier_key)
        return self.is_counted(at_us, recorded_key) & ~is_old


@dataclass(frozen=True, slots=True)
class Chargebacks:
    """All counted chargebacks of some orders, by order, instant and key."""

    order_pk: Ints
    at_us: Ints
    recorded_key: Ints

    @classmethod
    def sorted(cls, parts: Iterable["Chargebacks"]) -> "Chargebacks":
        """All of the parts together."""
        columns = [(part.order_pk, part.at_us, part.recorded_key) for part in parts]
        pk, at, key = (
            np.concatenate(column) for column in zip((_NONE, _NONE, _NONE), *columns, strict=True)
        )
        order = np.lexsort((key, at, pk))
        return cls(pk[order], at[order], key[order])

    def where(self, mask: Mask) -> "Chargebacks":
        """Some of them."""
        return Chargebacks(self.order_pk[mask], self.at_us[mask], self.recorded_key[mask])

    @property
    def is_first(self) -> Mask:
        """Which ones are the first of their orders: only these are events."""
        return np.append(True, self.order_pk[1:] != self.order_pk[:-1])[: len(self.order_pk)]
