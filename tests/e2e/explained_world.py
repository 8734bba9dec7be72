"""A merchant's past in which some rows come before a load, some after it, and some too late.

The oracle knows of each row when it came, and so what an evaluation saw of it. It asks the
reference engine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum
from random import Random

from features_pkg.calendar import DAY_US, from_us
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.engines import reference
from features_pkg.history.past_orders import PastEvent, PastOrder, events_of
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.measures import MEASURES
from stores.postgres.connection import Connection, connect
from stores.postgres.loads import NewLoad
from tests.e2e.conftest import Shop
from tests.e2e.explained_rows import database_url, note_load, sent, store_order
from tests.e2e.published import OnlineStore
from tests.parity.rows import CALENDAR, FEATURES, KEYS, snapshot

HOUR_US = DAY_US // 24
VALUES = {
    Identifier.USER: ("ana", "bia"),
    Identifier.DOCUMENT: ("52998224725", "11144477735"),
    Identifier.EMAIL: ("ana@example.com", "bia@example.com"),
    Identifier.PHONE: ("+5511987654321", "+5511987654322"),
    Identifier.ZIP_CODE: ("01310100", "04538133"),
    Identifier.DEVICE: ("d1", "d2"),
    Identifier.IP: ("203.0.113.7", "203.0.113.8"),
    Identifier.CARD: ("tok_1", "tok_2"),
    Identifier.SELLER: ("loja", "outra"),
    Identifier.PRODUCT: ("p", "q", "r"),
}
"""As they are stored."""


class Came(IntEnum):
    """When a row was committed."""

    BEFORE_THE_LOAD = 0
    BEFORE_THE_EVALUATION = 1
    TOO_LATE = 2
    WAS_IN_FLIGHT = 3
    """Stored before the evaluation, and committed after it."""


@dataclass
class Row:
    """An order of the past, with the chargebacks that were reported of it, and when all came."""

    order: PastOrder
    came: Came
    chargebacks: list[tuple[int, Came]]

    def as_seen(self, last: Came) -> PastOrder | None:
        """The order as somebody sees it who sees what came up to then."""
        if self.came > last:
            return None
        reported = [at_us for at_us, came in self.chargebacks if came <= last]
        first = max(min(reported), self.order.at_us) if reported else None
        return replace(self.order, chargeback_us=first)


@dataclass
class World:
    """The rows of one merchant, and an order that is evaluated among them."""

    shop: Shop
    asker: PastOrder
    as_of: int
    rows: list[Row] = field(default_factory=list)

    @property
    def due_day(self) -> int:
        return CALENDAR.due_day(self.asker.at_us, FEATURES.snapshot_lag)

    def seen(self, last: Came) -> list[PastOrder]:
        return [order for row in self.rows if (order := row.as_seen(last)) is not None]

    def events(self, velocity: Velocity, entity: object) -> list[PastEvent]:
        """What `velocity` counts of one value, newest first; of one instant the last stored."""
        cutoff_us, at_us = CALENDAR.cutoff_us(self.as_of), self.asker.at_us
        loaded = [
            event
            for event in events_of(velocity.event, self.seen(Came.BEFORE_THE_LOAD))
            if event.at_us < cutoff_us
        ]
        visible = list(events_of(velocity.event, self.seen(Came.BEFORE_THE_EVALUATION)))
        if velocity.past is None:
            found = loaded + [event for event in visible if event.at_us >= cutoff_us]
        else:
            found = loaded if velocity.past is Past.DISTANT else visible
        question = reference.Question(at_us, self.as_of, self.due_day)
        inside = [
            event
            for event in found
            if reference._in_window(velocity, event.at_us, question, CALENDAR)
            if entity in event.order.values(velocity.identifier)
        ]
        by_storing = sorted(self.rows, key=lambda row: row.came)  # of equals the first stays first
        number = {row.order.order_id: number for number, row in enumerate(by_storing)}
        return sorted(inside, key=lambda e: (-e.at_us, -number[e.order.order_id]))

    def answers(self, velocity: Velocity) -> list[tuple[int | None, list[str]]]:
        """The value and the order ids behind it, of each of the asking order's values."""
        answers = []
        for entity in self.asker.values(velocity.identifier):
            events = self.events(velocity, entity)
            value = MEASURES[velocity.measure].reference(velocity, events, self.asker.at_us)
            answers.append((value, [str(e.order.order_id) for e in behind(velocity, events)]))
        return answers


def behind(velocity: Velocity, events: list[PastEvent]) -> list[PastEvent]:
    """The events that an answer names."""
    if velocity.measure is Measure.FIRST_AGE:
        return events[-1:]
    if velocity.measure is Measure.LAST_AGE:
        return events[:1]
    if velocity.target is not None:
        return [event for event in events if event.order.values(velocity.target)]
    return events


def a_world(shop: Shop, seed: int) -> World:
    """Orders about the edges of the windows of one that is evaluated; the same for a seed."""
    random = Random(seed)  # noqa: S311  no secret
    at_us = CALENDAR.cutoff_us(date(2018, 6, 1).toordinal()) + random.randrange(24) * HOUR_US
    asker = PastOrder("m1", "asker", at_us, 1990, some_identifiers(random))
    due_day = CALENDAR.due_day(at_us, FEATURES.snapshot_lag)
    world = World(shop, asker, due_day - random.choice((0, 0, 1, 2)))
    edges = [
        at_us, at_us - 600_000_000, at_us - HOUR_US, at_us - 6 * HOUR_US, at_us - DAY_US,
        *(CALENDAR.cutoff_us(due_day - days) for days in (0, 1, 2, 3, 7, 30, 37, 90)),
    ]  # fmt: skip
    for number in range(60):
        placed_us = random.choice(edges) + random.choice((-HOUR_US, -1, 0, 1, HOUR_US))
        after_us = random.sample((-DAY_US, 0, HOUR_US, DAY_US, 7 * DAY_US), random.randrange(4))
        chargebacks = [(placed_us + each, some_came(random)) for each in after_us]
        order = PastOrder("m1", str(number), placed_us, number, some_identifiers(random))
        world.rows.append(Row(order, some_came(random), chargebacks))
    return world


def some_came(random: Random) -> Came:
    return random.choice((*[Came.BEFORE_THE_LOAD] * 3, *Came))


def some_identifiers(random: Random) -> dict[Identifier, tuple[object, ...]]:
    """Few values, so that everything meets; some kinds are not named."""
    return {
        identifier: tuple(random.sample(values, random.randrange(4 if identifier.several else 2)))
        for identifier, values in VALUES.items()
    }


@contextmanager
def evaluated(world: World, online: OnlineStore) -> Iterator[str]:
    """The id of the evaluation, while all rows are stored that the merchant ever gets."""
    database = world.shop.database
    store_rows(database, world, Came.BEFORE_THE_LOAD)
    load_id = publish(world, online)
    store_rows(database, world, Came.BEFORE_THE_EVALUATION)
    with connect(database_url(database), application_name="an import") as importing:
        store_rows(importing, world, Came.WAS_IN_FLIGHT)
        answer = world.shop.evaluate(sent(world.asker), at=from_us(world.asker.at_us).isoformat())
        assert answer.status == 200, answer.content
        importing.commit()
    store_rows(database, world, Came.TOO_LATE)
    try:
        yield answer.body["evaluation_id"]
    finally:
        database.execute("DELETE FROM loads WHERE load_id = %s", (load_id,))


def store_rows(database: Connection, world: World, came: Came) -> None:
    """Store what comes then: orders, and chargebacks, some of which wait for theirs."""
    merchant_id = world.shop.merchant.merchant_id
    for row in world.rows:
        for at_us, chargeback_came in row.chargebacks:
            if chargeback_came is came:
                database.execute(
                    "INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at,"
                    " import_id) VALUES (%s, %s, %s, %s, 1) ON CONFLICT DO NOTHING",
                    (merchant_id, row.order.order_id, from_us(at_us), from_us(at_us)),
                )
        if row.came is came:
            store_order(database, merchant_id, row.order)


def publish(world: World, online: OnlineStore) -> int:
    """Publish what is stored, and note the load; its id."""
    merchant_id, history = world.shop.merchant.merchant_id, world.seen(Came.BEFORE_THE_LOAD)
    timelines = snapshot(history, world.as_of)
    entities = {(str(i), str(v)) for order in history for i in IDENTIFIERS for v in order.values(i)}
    load = online.publish(
        date.fromordinal(world.as_of),
        {
            (merchant_id, *entity): timelines[key]
            for entity in [*entities, ("merchant", "")]
            if (key := KEYS.key(1, *entity)) in timelines
        },
    )
    (watermark,) = world.shop.database.execute(
        "SELECT pg_current_xact_id()::text::bigint"
    ).fetchone() or (0,)
    new_load = NewLoad(
        as_of=date.fromordinal(world.as_of),
        cutoff=from_us(load.cutoff_us),
        watermark=int(str(watermark)),
        generation=1,
        timelines=FEATURES.timelines_id,
        entity_key_id="",
        revision="of a test",
        snapshot_id=1,
        metadata_location="",
        entities=load.entities,
        checksum="",
    )
    note_load(world.shop.database, load.load_id, new_load)
    return load.load_id
