"""The rows that Spark shuffles, answered and assembled, are what the reference answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.calendar import DAY_US
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.engines import reference
from features_pkg.entity_keys import EntityKeys
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier
from tests.parity import worlds
from tests.parity.rows import CALENDAR, FEATURES, KEYS, order_rows

PASSED = pa.schema([("order_id", pa.string())])


def training_rows(
    rows: pa.Table,
    keys: EntityKeys = KEYS,
    batch_rows: int = 1000,
    features: FeatureSet = FEATURES,
) -> dict[str, dict[str, object]]:
    """All that the Spark job does to order rows with questions, in batches, by order id."""
    starts = range(0, rows.num_rows, batch_rows)
    batches = [shuffle.keyed(rows.slice(start, batch_rows), keys) for start in starts]
    firsts = shuffle.MerchantStarts(
        tuple(row.values())
        for batch in batches
        for row in shuffle.merchant_starts(batch).to_pylist()
    )
    narrow = pa.concat_tables([shuffle.explode(b, features.targets) for b in batches])
    pieces = shuffle.answer_pieces(narrow, features, CALENDAR)
    heads = [shuffle.order_pieces(b, PASSED, features, CALENDAR, firsts) for b in batches]
    done = shuffle.assemble(pa.concat_tables(heads), pieces, features, PASSED)
    return {row["order_id"]: row for row in done.to_pylist()}


def with_questions(rows: pa.Table, questions: list[dict[str, object]]) -> pa.Table:
    for field in shuffle.QUESTION_FIELDS:
        rows = rows.append_column(field, pa.array([q[field.name] for q in questions], field.type))
    return rows


@given(history=worlds.orders(), batch_rows=st.sampled_from((1, 2, 5, 1000)))
@settings(max_examples=60, deadline=None)
def test_training_by_the_rule_is_the_reference(history: list[PastOrder], batch_rows: int) -> None:
    questions = [
        reference.Question(order.at_us, CALENDAR.due_day(order.at_us, FEATURES.snapshot_lag))
        for order in history
    ]
    rows = [{"asked_us": q.at_us, "as_of": q.as_of, "visible": None} for q in questions]

    done = training_rows(with_questions(order_rows(history), rows), batch_rows=batch_rows)

    assert len(done) == len(history)
    for order, question in zip(history, questions, strict=True):
        for velocity in FEATURES.velocities:
            expected = reference.value(velocity, order, question, history, CALENDAR)
            assert done[str(order.order_id)][velocity.name] == expected, velocity.name


@dataclass(frozen=True)
class Live:
    """A live question: its load has rows below `watermark`; it saw below `xmax`, but `hidden`."""

    asker: PastOrder
    at_us: int
    watermark: int
    xmax: int
    hidden: frozenset[int]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[PastOrder], Live]:
    history = draw(worlds.orders())
    asker = draw(st.sampled_from(history))
    keys = st.integers(0, len(history))
    later = draw(st.sampled_from((0, 0, 1, DAY_US)))
    hidden = frozenset(draw(st.sets(keys, max_size=3)))
    xmax = draw(keys)
    return history, Live(asker, asker.at_us + later, draw(keys), xmax, hidden)


def seen_by(live: Live, velocity: Velocity, history: list[PastOrder]) -> list[PastOrder]:
    """The history as the live question saw it: distant rows of its load, recent ones visible."""
    as_of = CALENDAR.due_day(live.at_us, FEATURES.snapshot_lag)
    cutoff_us = CALENDAR.cutoff_us(as_of)
    seen = []
    for order in history:
        key = int(str(order.order_id))
        visible = key < live.xmax and key not in live.hidden
        in_load = key < live.watermark
        for event in (Event.ORDER, Event.CHARGEBACK):
            at_us = order.at_us if event is Event.ORDER else order.chargeback_us
            if event is not velocity.event or at_us is None:
                continue
            distant = velocity.past is Past.DISTANT or (velocity.past is None and at_us < cutoff_us)
            if (in_load and at_us < cutoff_us) if distant else visible:
                seen.append(order)
    return seen


@given(world=lives())
@settings(max_examples=150, deadline=None)
def test_training_of_a_live_order_is_what_it_saw(
    world: tuple[list[PastOrder], Live],
) -> None:
    history, live = world
    as_of = CALENDAR.due_day(live.at_us, FEATURES.snapshot_lag)
    xmin = min({*live.hidden, live.xmax})
    in_flight = [key for key in live.hidden if key < live.xmax]
    asked = {
        "asked_us": live.at_us,
        "as_of": as_of,
        "visible": shuffle.live_visibility(live.watermark, xmin, live.xmax, in_flight),
    }
    no_question = dict.fromkeys(asked)
    questions = [asked if order is live.asker else no_question for order in history]

    done = training_rows(with_questions(order_rows(history), questions))

    asker = replace(live.asker)
    for velocity in FEATURES.velocities:
        expected = reference.value(
            velocity,
            asker,
            reference.Question(live.at_us, as_of),
            seen_by(live, velocity, history),
            CALENDAR,
        )
        assert done[str(asker.order_id)][velocity.name] == expected, velocity.name


def test_a_chargeback_whose_order_was_in_flight_was_not_seen() -> None:
    noon = CALENDAR.cutoff_us(CALENDAR.day_of(worlds.to_us(worlds.AROUND[2]))) + DAY_US // 2
    empty: dict[Identifier, tuple[object, ...]] = dict.fromkeys(IDENTIFIERS, ())
    named = {**empty, Identifier.CARD: ("c",)}
    history = [
        PastOrder("m1", "0", noon - 3_600_000_000, 5, named, noon - 1_000_000),
        PastOrder("m1", "1", noon, 5, named),
    ]
    rows = order_rows(history).to_pylist()
    rows[0] |= {"recorded_key": 10, "chargeback_key": [20]}
    asked = {
        "asked_us": noon,
        "as_of": CALENDAR.due_day(noon, FEATURES.snapshot_lag),
        "visible": shuffle.live_visibility(0, 10, 30, [10]),
    }
    table = pa.Table.from_pylist(rows, schema=shuffle.ORDER_ROWS)

    done = training_rows(with_questions(table, [dict.fromkeys(asked), asked]))["1"]

    assert (done["card_orders_1h_recent"], done["card_chargebacks_24h_recent"]) == (0, 0)


def test_a_later_chargeback_counts_only_for_who_could_not_see_the_first() -> None:
    noon = CALENDAR.cutoff_us(CALENDAR.day_of(worlds.to_us(worlds.AROUND[2]))) + DAY_US // 2
    history = [
        PastOrder("m1", "0", noon - 3_600_000_000, 5, {"card": ("c",)}),
        PastOrder("m1", "1", noon, 5, {"card": ("c",)}),
    ]
    history = [replace(o, identifiers={**dict.fromkeys(worlds.IDENTIFIERS, ()), **o.identifiers})
               for o in history]  # fmt: skip
    rows = order_rows(history).to_pylist()
    rows[0]["chargeback_us"] = [noon - 2_000_000, noon - 1_000_000]
    rows[0]["chargeback_key"] = [50, 10]
    table = pa.Table.from_pylist(rows, schema=shuffle.ORDER_ROWS)
    as_of = CALENDAR.due_day(noon, FEATURES.snapshot_lag)

    def last_age(xmax: int) -> object:
        asked = {
            "asked_us": noon,
            "as_of": as_of,
            "visible": shuffle.live_visibility(0, xmax, xmax),
        }
        questions = [dict.fromkeys(asked), asked]
        return training_rows(with_questions(table, questions))["1"][
            "card_last_chargeback_age_seconds"
        ]

    assert (last_age(xmax=20), last_age(xmax=60), last_age(xmax=5)) == (1, 2, None)
