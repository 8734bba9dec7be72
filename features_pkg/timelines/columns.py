"""Timelines of all entities at once, as columns that SQL can read.

A column is null for an identifier whose timelines do not keep the event or the target. A list is
empty and a number 0 where the timelines keep it and it never happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import EPOCH_DAY
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier
from features_pkg.timelines.counts import Counts, DayCounts, EventCounts

INSTANT: Final = pa.timestamp("us", tz="UTC")
COUNTED_DAY: Final = pa.struct([("day", pa.date32()), ("count", pa.int64())])
EVENT_DAY: Final = pa.struct([*COUNTED_DAY, ("cents", pa.int64())])


def timeline_columns(
    timeline_targets: Mapping[tuple[Identifier, Event], Iterable[Identifier]],
) -> pa.Schema:
    """The columns for what a feature set's timelines keep (`FeatureSet.timeline_targets`)."""
    return pa.schema([column for event in Event for column in _columns_of(event, timeline_targets)])


def _columns_of(
    event: Event, timeline_targets: Mapping[tuple[Identifier, Event], Iterable[Identifier]]
) -> Iterator[tuple[str, pa.DataType]]:
    yield event.plural, pa.list_(EVENT_DAY)
    yield f"{event.plural}_older", pa.int64()
    yield f"{event.plural}_older_cents", pa.int64()
    yield f"first_{event}_at", INSTANT
    yield f"last_{event}_at", INSTANT
    targets = {t for (_, e), names in timeline_targets.items() if e is event for t in names}
    for target in IDENTIFIERS:
        if target in targets:
            yield distinct_column(target, event), pa.list_(COUNTED_DAY)
            yield f"{distinct_column(target, event)}_older", pa.int64()


def distinct_column(target: Identifier, event: Event) -> str:
    """The name of the list of days on which the different values of `target` were last seen."""
    return f"distinct_{target}_{event.plural}"


def column_arrays(counts: Counts) -> dict[str, pa.Array]:
    """The columns that these timelines keep; each has a row for every dense code."""
    columns: dict[str, pa.Array] = {}
    for event, counted in counts.events.items():
        columns[event.plural] = _list_of_days(counted.days, EVENT_DAY, counted.cents)
        columns[f"{event.plural}_older"] = pa.array(counted.days.older)
        columns[f"{event.plural}_older_cents"] = pa.array(counted.older_cents)
        columns |= instant_arrays(event, counted)
        for target, days in counted.targets.items():
            name = distinct_column(target, event)
            columns[name] = _list_of_days(days, COUNTED_DAY)
            columns[f"{name}_older"] = pa.array(days.older)
    return columns


def instant_arrays(event: Event, counted: EventCounts) -> dict[str, pa.Array]:
    """The columns of the first and the last event; null where it never happened."""
    never = ~counted.happened
    return {
        f"first_{event}_at": pa.array(counted.first_us, INSTANT, mask=never),
        f"last_{event}_at": pa.array(counted.last_us, INSTANT, mask=never),
    }


def _list_of_days(days: DayCounts, item: pa.StructType, *numbers: Ints) -> pa.ListArray:
    day = pa.array((days.day - EPOCH_DAY).astype(np.int32), pa.int32()).cast(pa.date32())
    values = [day, pa.array(days.count), *map(pa.array, numbers)]
    items = pa.StructArray.from_arrays(values, fields=list(item))
    bounds = pa.array(days.bounds.astype(np.int32))
    return pa.ListArray.from_arrays(bounds, items, type=pa.list_(item))
