"""One velocity in every engine, each with what it looks at."""

from collections.abc import Iterable
from datetime import date

import numpy as np

from features_pkg.calendar import to_us
from features_pkg.definitions.velocity import Velocity, parse_name
from features_pkg.identifiers import Identifier
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import ArrayWindows, EntityPast, Instants, Span
from features_pkg.timelines.read import EventTimeline
from tests.integration.story import past
from tests.integration.story.page import table
from tests.integration.story.trained import history_of, value_by_rule
from tests.integration.story.world import AS_OF, ASKED, FEATURE, World

SIBLING = "document_distinct_zip_code_orders_24h_recent"
BEFORE = ("A-1", "A-2", "A-3")
DUE_DAY = AS_OF.toordinal()


def side_by_side(world: World) -> dict[str, str]:
    """The engines that compute `FEATURE` for the fourth order, and its recent sibling."""
    velocity, timeline = parse_name(FEATURE), past.document_timeline(world)
    assert velocity.window is not None
    assert velocity.window.days is not None
    start = DUE_DAY - velocity.window.days
    lines = [
        _reference(world, start),
        *_arrays(world, velocity, velocity.window.days),
        _timeline(world, velocity, start),
        _recent(world, timeline),
    ]
    return {"engines": table("engine | looks at | counts | value", lines)}


def _reference(world: World, start: int) -> tuple[object, ...]:
    history = [order for order in history_of(world) if order.order_id in (*BEFORE, "A-4")]
    window = [order for order in history if start <= world.calendar.day_of(order.at_us) < DUE_DAY]
    orders = " and ".join(str(order.order_id) for order in window)
    codes = {order.values(Identifier.ZIP_CODE)[0] for order in window}
    value = value_by_rule(world, FEATURE, history)
    return (
        "reference",
        f"{orders}, on the days {date.fromordinal(start)} to {date.fromordinal(DUE_DAY - 1)}",
        _set(codes),
        value,
    )


def _arrays(world: World, velocity: Velocity, days: int) -> list[tuple[object, ...]]:
    events = past.sorted_events(world, BEFORE)
    edges_us = [world.calendar.cutoff_us(day) for day in (DUE_DAY - days, DUE_DAY)]
    before, after = np.searchsorted(events.at_us, edges_us)
    windows = ArrayWindows(
        events=events,
        at_us=np.array([to_us(ASKED)]),
        before=np.array([before]),
        after=np.array([after]),
        spans=(Span(days, slice(None)),),
        in_days=True,
    )
    (value,) = MEASURES[velocity.measure].arrays(velocity, windows).tolist()
    runs = events.value_runs(Identifier.ZIP_CODE)
    opened, closed = runs.opened_before(days, in_days=True), runs.closed_before(days, in_days=True)
    return [
        ("arrays", f"{', '.join(BEFORE)} sorted by time", f"runs opened {opened.tolist()}", ""),
        (
            "",
            f"the window is positions {before} up to {after}",
            f"runs closed {closed.tolist()}",
            "",
        ),
        ("", "", f"opened[{after}] - closed[{before}]", value),
    ]


def _timeline(world: World, velocity: Velocity, start: int) -> tuple[object, ...]:
    by_day = past.zip_codes_by_day(world)
    days = ", ".join(f"{date.fromordinal(day)}: {count}" for day, count in by_day.items())
    reader = MEASURES[velocity.measure].one_order(velocity, past.document_targets(world))
    value = reader(EntityPast((), past.document_timeline(world)), _instants(world))
    counted = " + ".join(str(count) for day, count in by_day.items() if day >= start)
    return ("timeline", f"CEPs last seen on {days}", counted, value)


def _recent(world: World, timeline: EventTimeline) -> tuple[object, ...]:
    velocity = parse_name(SIBLING)
    reader = MEASURES[velocity.measure].one_order(velocity, past.document_targets(world))
    entity = EntityPast(world.recent_events, timeline)
    codes = {event.zip_code for event in world.recent_events}
    return ("recent rows", "A-3 (for 24h_recent)", _set(codes), reader(entity, _instants(world)))


def _instants(world: World) -> Instants:
    return Instants(to_us(ASKED), DUE_DAY, world.calendar.cutoff_us(DUE_DAY))


def _set(codes: Iterable[object]) -> str:
    return "the set {" + ", ".join(sorted(map(str, codes))) + "}"
