"""What a worker says of a range of keys whose rows it has written: one row for the driver."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import msgspec
import pyarrow as pa

from stores.offline.runs import DataFile

WRITTEN: Final = pa.schema(
    [
        ("file", pa.string()),
        ("newcomers", pa.int64()),
        ("day", pa.list_(pa.int64())),
        ("entities", pa.list_(pa.int64())),
        ("damage", pa.string()),
    ]
)
"""A `WrittenRange`: its file as JSON, and the keys and values of its `days`."""


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

    def row(self) -> pa.Table:
        """One row of `WRITTEN`."""
        row = {
            "file": None if self.file is None else msgspec.json.encode(self.file).decode(),
            "newcomers": self.newcomers,
            "day": list(self.days),
            "entities": list(self.days.values()),
            "damage": self.damage,
        }
        return pa.Table.from_pylist([row], schema=WRITTEN)


def written_ranges(rows: pa.Table) -> list[WrittenRange]:
    """What the rows of `WRITTEN` say, those with a file in the order of their keys."""
    found = [
        WrittenRange(
            file=row["file"] and msgspec.json.decode(row["file"], type=DataFile),
            newcomers=row["newcomers"],
            days=Counter(dict(zip(row["day"], row["entities"], strict=True))),
            damage=row["damage"],
        )
        for row in rows.to_pylist()
    ]
    return sorted(found, key=lambda each: each.file.key if each.file else "")


def files_of_ranges(ranges: list[WrittenRange]) -> tuple[DataFile, ...]:
    """The files that have rows."""
    return tuple(each.file for each in ranges if each.file)


def days_of_ranges(ranges: list[WrittenRange]) -> Counter[int]:
    """By how many more or fewer entities had their last event on each day."""
    days: Counter[int] = Counter()
    for each in ranges:
        days.update(each.days)
    return days
