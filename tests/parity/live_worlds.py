"""Histories with many live questions: rows in flight, late imports, chargebacks that came again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

import pyarrow as pa
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.engines import reference
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier
from tests.parity import worlds
from tests.parity.rows import CALENDAR, FEATURES, order_rows

TRANSACTIONS = 12
"""Orders and chargebacks are stored in transactions 0 to 11; several share one, as in an import."""

_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class StoredOrder:
    """An order, the transaction that stored it, and its chargebacks with theirs."""

    order: PastOrder
    key: int
    chargebacks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class LiveQuestion:
    """A question of an order, and what it could see."""

    order_id: str
    at_us: int
    as_of: int
    watermark: int
    xmax: int
    in_flight: frozenset[int]

    def saw(self, key: int) -> bool:
        """Whether its recent read had what a transaction stored."""
        return key < self.xmax and key not in self.in_flight


@dataclass(frozen=True)
class LiveWorld:
    """Orders, some of which were evaluated live."""

    orders: tuple[StoredOrder, ...]
    questions: tuple[LiveQuestion, ...]

    def table(self) -> pa.Table:
        """The orders with their questions, as they come out of `events`."""
        rows = order_rows(stored.order for stored in self.orders).to_pylist()
        asked = {question.order_id: question for question in self.questions}
        for row, stored in zip(rows, self.orders, strict=True):
            row["recorded_key"] = stored.key
            row["chargeback_us"] = [us for us, _ in stored.chargebacks]
            row["chargeback_key"] = [key for _, key in stored.chargebacks]
            row |= _question(asked.get(str(stored.order.order_id)))
        schema = pa.schema([*shuffle.ORDER_ROWS, *shuffle.QUESTION_FIELDS])
        return pa.Table.from_pylist(rows, schema=schema)

    def value(self, question: LiveQuestion, velocity: Velocity) -> int | None:
        """What a question was answered, by the reference."""
        seen = [order for o in self.orders for order in _as_seen(o, question, velocity)]
        (asker,) = (o.order for o in self.orders if o.order.order_id == question.order_id)
        due_day = CALENDAR.due_day(question.at_us, FEATURES.snapshot_lag)
        asked = reference.Question(question.at_us, question.as_of, due_day)
        return reference.value(velocity, asker, asked, seen, CALENDAR)


def _question(question: LiveQuestion | None) -> dict[str, object]:
    if question is None:
        return dict.fromkeys(field.name for field in shuffle.QUESTION_FIELDS)
    in_flight = sorted(question.in_flight)
    xmin = min([question.xmax, *in_flight])
    visible = shuffle.live_visibility(question.watermark, xmin, question.xmax, in_flight)
    return {"asked_us": question.at_us, "as_of": question.as_of, "visible": visible}


def _as_seen(
    stored: StoredOrder, question: LiveQuestion, velocity: Velocity
) -> Iterable[PastOrder]:
    """The order with the chargeback that the question knew; nothing if it saw no event of it.

    An age is of what the load knew before its cutoff, and of what the recent read did from there.
    """
    for past in Past if velocity.past is None else (velocity.past,):
        at_us = _first_us(stored, question, velocity.event, past)
        is_other = at_us is not None and (past is Past.DISTANT) != (
            at_us < CALENDAR.cutoff_us(question.as_of)
        )
        if at_us is not None and not (velocity.past is None and is_other):
            charged_us = at_us if velocity.event is Event.CHARGEBACK else None
            yield replace(stored.order, chargeback_us=charged_us)


def _first_us(stored: StoredOrder, question: LiveQuestion, event: Event, past: Past) -> int | None:
    """When the first event of an order happened that a past of the question had."""
    events = [(stored.order.at_us, stored.key)]
    if event is Event.CHARGEBACK:
        events = sorted((us, max(key, stored.key)) for us, key in stored.chargebacks)
    cutoff_us = CALENDAR.cutoff_us(question.as_of)
    for at_us, key in events:
        in_load = at_us < cutoff_us and key < question.watermark
        was_read = question.saw(key) and question.saw(stored.key)
        if in_load if past is Past.DISTANT else was_read:
            return at_us
    return None


@st.composite
def live_worlds(draw: st.DrawFn, *, one_server: bool) -> LiveWorld:
    """A world in which each snapshot sees what all earlier ones do, or one in which none need."""
    history = draw(worlds.orders(most=10))
    orders = tuple(draw(_stored(order)) for order in history)
    commits = draw(
        st.lists(st.integers(0, TRANSACTIONS), min_size=TRANSACTIONS, max_size=TRANSACTIONS)
    )
    askers = draw(st.lists(st.sampled_from(orders), max_size=8, unique_by=id))
    questions = tuple(draw(_questions(asker, commits, one_server=one_server)) for asker in askers)
    return LiveWorld(orders, questions)


@st.composite
def _stored(draw: st.DrawFn, order: PastOrder) -> StoredOrder:
    key = draw(st.integers(0, TRANSACTIONS - 1))
    steps = st.sampled_from(worlds.STEPS_US)
    found = draw(st.lists(st.tuples(steps, st.integers(0, TRANSACTIONS - 1)), max_size=3))
    chargebacks = sorted((order.at_us + step, max(each, key)) for step, each in found)
    return StoredOrder(replace(order, chargeback_us=None), key, tuple(chargebacks))


@st.composite
def _questions(
    draw: st.DrawFn, asker: StoredOrder, commits: Sequence[int], *, one_server: bool
) -> LiveQuestion:
    at_us = asker.order.at_us + draw(st.sampled_from((0, 0, 1, *worlds.STEPS_US)))
    xmax = draw(st.integers(0, TRANSACTIONS))
    if one_server:
        # Each transaction begins at its number and ends `commits` later.
        in_flight = {key for key in range(xmax) if key + commits[key] >= xmax}
    else:
        in_flight = draw(st.sets(st.integers(0, max(xmax - 1, 0)), max_size=3)) - {xmax}
    due_day = CALENDAR.due_day(at_us, FEATURES.snapshot_lag)
    return LiveQuestion(
        order_id=str(asker.order.order_id),
        at_us=at_us,
        as_of=due_day - draw(st.sampled_from((0, 0, 0, 1, 3))),
        watermark=draw(st.integers(0, TRANSACTIONS)),
        xmax=xmax,
        in_flight=frozenset(in_flight),
    )


def crowded_world(seed: int = 18) -> LiveWorld:
    """A fixed world for each seed; by default one in which each mistake changes an answer.

    Thirty orders of two weeks share few values, and half of them were evaluated live.
    """
    drawn = Random(seed)  # noqa: S311  no secret
    newest_us = worlds.to_us(worlds.AROUND[2])
    orders = []
    for number in range(30):
        values: dict[Identifier, tuple[object, ...]] = {
            i: tuple({drawn.choice("abc") for _ in range(2 if i.several else 1)})
            for i in IDENTIFIERS
        }
        hours = drawn.choice((drawn.randrange(24), drawn.randrange(24 * 14)))
        at_us = newest_us - hours * 3_600_000_000 - drawn.randrange(3) * 60_000_000
        key = drawn.randrange(TRANSACTIONS)
        chargebacks = sorted(
            (at_us + drawn.randrange(48) * 3_600_000_000, max(drawn.randrange(TRANSACTIONS), key))
            for _ in range(drawn.randrange(4))
        )
        order = PastOrder("m1", str(number), at_us, 100 + number, values)
        orders.append(StoredOrder(order, key, tuple(chargebacks)))
    commits = [drawn.randrange(6) for _ in range(TRANSACTIONS)]
    questions = []
    for asker in orders[::2]:
        xmax = drawn.randrange(TRANSACTIONS + 1)
        at_us = max(asker.order.at_us, newest_us - drawn.randrange(24) * 3_600_000_000)
        questions.append(
            LiveQuestion(
                order_id=str(asker.order.order_id),
                at_us=at_us,
                as_of=CALENDAR.due_day(at_us, FEATURES.snapshot_lag) - drawn.randrange(2),
                watermark=drawn.randrange(TRANSACTIONS + 1),
                xmax=xmax,
                in_flight=frozenset(k for k in range(xmax) if k + commits[k] >= xmax),
            )
        )
    return LiveWorld(tuple(orders), tuple(questions))


def revealed_world() -> LiveWorld:
    """An import reveals that an order was charged back before the cutoff, and not first after it.

    The load lacks that chargeback, and the recent read of the question knows it.
    """
    values = dict.fromkeys(IDENTIFIERS, ("a",))
    noon_us = worlds.to_us(worlds.AROUND[2]) + 12 * _HOUR_US
    charged = PastOrder("m1", "0", noon_us - 72 * _HOUR_US, 100, values)
    asker = PastOrder("m1", "1", noon_us, 100, values)
    question = LiveQuestion(
        order_id="1",
        at_us=noon_us,
        as_of=CALENDAR.due_day(noon_us, FEATURES.snapshot_lag),
        watermark=3,
        xmax=8,
        in_flight=frozenset(),
    )
    chargebacks = ((noon_us - 48 * _HOUR_US, 5), (noon_us - _HOUR_US, 1))
    orders = (StoredOrder(charged, 0, chargebacks), StoredOrder(asker, 8, ()))
    return LiveWorld(orders, (question,))
