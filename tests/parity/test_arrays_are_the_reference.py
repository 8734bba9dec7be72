"""The arrays engine answers what the reference answers, for every kind of definition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import point_in_time
from features_pkg.calendar import Calendar
from features_pkg.definitions.catalogue import CATALOGUE, DERIVED_CATALOGUE
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.definitions.window import Window
from features_pkg.engines import reference
from features_pkg.errors import DefinitionError
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, Event
from tests.parity import worlds

WINDOWS = (
    *("1s", "10m", "1h", "6h", "24h", "1d", "7d", "30d", "90d", "ever", "since_cutoff", None),
    *("1d_delay_1d", "7d_delay_1d", "30d_delay_7d", "60d_delay_30d", "ever_delay_7d"),
)


def definitions_of(measure: Measure) -> Iterator[Velocity]:
    """Every definition with this measure that means anything."""
    parts = product(IDENTIFIERS, Event, WINDOWS, (*Past, None), (*IDENTIFIERS, None))
    for identifier, event, window, past, target in parts:
        with suppress(DefinitionError):
            yield Velocity(identifier, event, window and Window(window), past, measure, target)


DEFINITIONS = {measure: tuple(definitions_of(measure)) for measure in Measure}
velocities = st.sampled_from(Measure).flatmap(lambda m: st.sampled_from(DEFINITIONS[m]))


@given(
    history=worlds.orders(),
    definitions=st.lists(velocities, min_size=1, max_size=12, unique=True),
    calendar=worlds.calendars,
    lag=st.sampled_from((timedelta(0), timedelta(hours=4), timedelta(hours=30))),
)
@settings(max_examples=400, deadline=None)
def test_arrays_are_the_reference(
    history: list[PastOrder],
    definitions: list[Velocity],
    calendar: Calendar,
    lag: timedelta,
) -> None:
    rows = worlds.as_rows(history)

    table = point_in_time(
        pa.Table.from_pylist(rows), definitions, timezone=calendar.timezone, snapshot_lag=lag
    )

    for definition in definitions:
        assert table[definition.name].to_pylist() == [
            reference.value(
                definition,
                order,
                reference.Question(order.at_us, calendar.due_day(order.at_us, lag)),
                history,
                calendar,
            )
            for order in history
        ], definition.name


@given(history=worlds.orders(most=25))
@settings(max_examples=30, deadline=None)
def test_the_whole_catalogue_is_the_reference(history: list[PastOrder]) -> None:
    calendar, lag = Calendar("America/Sao_Paulo"), timedelta(hours=4)

    table = point_in_time(pa.Table.from_pylist(worlds.as_rows(history)))

    names = [each.name for each in (*CATALOGUE, *DERIVED_CATALOGUE)]
    assert table.column_names == ["order_id", *names]
    for velocity in CATALOGUE:
        expected = [
            reference.value(
                velocity,
                order,
                reference.Question(order.at_us, calendar.due_day(order.at_us, lag)),
                history,
                calendar,
            )
            for order in history
        ]
        assert table[velocity.name].to_pylist() == expected, velocity.name
    for values, order in zip(table.to_pylist(), history, strict=True):
        operands = {**values, "amount_cents": order.amount_cents}
        for derived in DERIVED_CATALOGUE:
            assert values[derived.name] == reference.derived_value(derived, operands), derived.name
