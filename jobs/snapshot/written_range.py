"""What a worker says of a range of keys whose rows it has written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from stores.offline.runs import DataFile


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRange:
    """The file of a range, None where it has no row, and what is known of its rows.

    So many of its entities are `newcomers`, which were in no snapshot; by so many more or fewer
    have their last event on each of `days`. Where something was found damaged, nothing was written.
    """

    file: DataFile | None = None
    newcomers: int = 0
    days: Counter[int] = field(default_factory=Counter)
    damage: str | None = None


def files_of_ranges(ranges: Sequence[WrittenRange]) -> tuple[DataFile, ...]:
    """The files that have rows."""
    return tuple(each.file for each in ranges if each.file)


def days_of_ranges(ranges: Sequence[WrittenRange]) -> Counter[int]:
    """By how many more or fewer entities had their last event on each day."""
    days: Counter[int] = Counter()
    for each in ranges:
        days.update(each.days)
    return days
