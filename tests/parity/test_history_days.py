"""How many days a merchant is known: what a load served, what training says, and the rule.

`merchant_history_days` counts from the merchant's first order that the load held: before its
cutoff, and recorded below its watermark. Training finds it without the load, over many batches.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.engines.one_order import Evaluator
from features_pkg.history.past_orders import PastOrder
from tests.parity import worlds
from tests.parity.mutants import Mistake, broken
from tests.parity.orders import numbered, order
from tests.parity.rows import CALENDAR, FEATURES, as_order, distant_past, order_rows, snapshot
from tests.parity.test_shuffle_is_the_reference import training_rows, with_questions

NAME = "merchant_history_days"
EVERYTHING = 10**6


@dataclass(frozen=True)
class World:
    """Orders, each with its recorded key and the watermark of the load that it asks."""

    history: list[PastOrder]
    recorded: list[int]
    stale_days: int
    watermark: list[int]
    batch_rows: int

    def due_day(self, asker: PastOrder) -> int:
        return CALENDAR.due_day(asker.at_us, FEATURES.snapshot_lag)

    def in_load(self, place: int) -> list[PastOrder]:
        pairs = zip(self.history, self.recorded, strict=True)
        return [order for order, key in pairs if key < self.watermark[place]]


@st.composite
def some_worlds(draw: st.DrawFn) -> World:
    history = draw(worlds.orders())
    keys = st.integers(0, len(history))
    return World(
        history,
        draw(st.permutations(range(len(history)))),
        draw(st.integers(0, 2)),
        draw(st.lists(keys, min_size=len(history), max_size=len(history))),
        draw(st.integers(1, 5)),
    )


def expected(world: World) -> list[int]:
    """The rule, order by order."""
    found = []
    for place, asker in enumerate(world.history):
        due_day = world.due_day(asker)
        cutoff_us = CALENDAR.cutoff_us(due_day - world.stale_days)
        days = [
            CALENDAR.day_of(order.at_us)
            for order in world.in_load(place)
            if order.merchant == asker.merchant and order.at_us < cutoff_us
        ]
        found.append(due_day - min(days) if days else 0)
    return found


def trained(world: World) -> list[object]:
    """What a training set says, its rows read in batches."""
    rows = order_rows(world.history).set_column(
        shuffle.ORDER_ROWS.get_field_index("recorded_key"), "recorded_key", pa.array(world.recorded)
    )
    questions = [
        {
            "asked_us": asker.at_us,
            "as_of": world.due_day(asker) - world.stale_days,
            "visible": shuffle.live_visibility(watermark, EVERYTHING, EVERYTHING),
        }
        for asker, watermark in zip(world.history, world.watermark, strict=True)
    ]
    done = training_rows(with_questions(rows, questions), batch_rows=world.batch_rows)
    return [done[str(order.order_id)][NAME] for order in world.history]


def served(world: World) -> list[float]:
    """What a request reads off the merchant's timeline in its load."""
    found = []
    for place, asker in enumerate(world.history):
        as_of = world.due_day(asker) - world.stale_days
        past = distant_past(asker, snapshot(world.in_load(place), as_of), as_of)
        vector = Evaluator(FEATURES).vector(as_order(asker), asker.at_us, past, [])
        found.append(vector.values[FEATURES.names.index(NAME)])
    return found


@given(some_worlds())
@settings(max_examples=40)
def test_training_counts_the_days_from_the_first_order_of_the_load(world: World) -> None:
    assert trained(world) == expected(world)


@given(some_worlds())
@settings(max_examples=40)
def test_a_request_counts_the_days_from_the_first_order_of_the_load(world: World) -> None:
    assert served(world) == expected(world)


# Imports brought older and older orders, and the batches are read as they lie here, newest first.
# `watermark` says which of them the load of each asker held.
SMALL = World(
    numbered(
        order("2018-06-10 15:00"),
        order("2018-06-01 12:00"),
        order("2018-05-01 12:00"),
        order("2018-04-01 12:00"),
        order("2018-06-10 16:00"),
        order("2018-06-10 17:00"),
        order("2018-06-10 18:00", merchant="m2"),
        order("2018-06-09 12:00", merchant="m2"),  # not in the load of two days before
    ),
    recorded=[5, 1, 2, 3, 6, 7, 8, 4],
    stale_days=1,
    watermark=[3, 0, 0, 0, 2, 4, EVERYTHING, 0],
    batch_rows=2,
)
MISTAKES = {
    "the watermark of the load is ignored": Mistake(
        "features_pkg.shuffle.context_features:_watermarks", "keys[start[lengths > 0]]", "2**62",
    ),
    "only the earliest order of a batch is kept": Mistake(
        "features_pkg.shuffle.merchant_starts:merchant_starts",
        "rank[1:] < lowest[:-1]", "code[1:] != code[:-1]",
    ),
    "of a batch nothing older than what was recorded first is kept": Mistake(
        "features_pkg.shuffle.merchant_starts:_may_be_first",
        "event_us <= first_us[code]", "event_us == first_us[code]",
    ),
    "the first order of the last batch is the first": Mistake(
        "features_pkg.shuffle.merchant_starts:MerchantStarts.__init__", "sorted(rows)", "rows",
    ),
    "an order after the cutoff is in the load": Mistake(
        "features_pkg.shuffle.merchant_starts:MerchantStarts.first_us",
        "event_us >= cutoff_us", "False",
    ),
    "a row at the watermark is in the load": Mistake(
        "features_pkg.shuffle.merchant_starts:MerchantStarts.first_us",
        "recorded_key < watermark", "recorded_key <= watermark",
    ),
    "days are counted to the snapshot's own day": Mistake(
        "features_pkg.shuffle.context_features:_history_days",
        "due_day - first_day", 'orders["as_of"].to_numpy() - first_day',
    ),
}  # fmt: skip


def test_without_a_mistake_the_days_of_the_small_world_are_right() -> None:
    assert expected(SMALL) == trained(SMALL) == served(SMALL)
    assert expected(SMALL)[:1] + expected(SMALL)[4:7] == [40, 9, 70, 0]


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_about_days_of_history_is_caught(mistake: Mistake) -> None:
    with broken(mistake):
        assert trained(SMALL) != expected(SMALL)
