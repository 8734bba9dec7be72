"""What a live order could see, broken once in the code: a comparison fails.

Most live questions saw all of their past, and are answered as all others are. Which did not is
decided by the newest recorded key of the entity's events: a mistake there is wrong only for orders
that were imported or stored late.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.engines import reference
from features_pkg.history.events import Events
from features_pkg.history.sorted_events import SortedEvents
from tests.parity.live_worlds import crowded_world
from tests.parity.mutants import Mistake, broken
from tests.parity.orders import numbered, order
from tests.parity.rows import CALENDAR, FEATURES, order_rows
from tests.parity.test_shuffle_is_the_reference import (
    Live,
    seen_by,
    training_rows,
    with_questions,
)

SORTED = "features_pkg.history.sorted_events:SortedEvents."

# In the order in which they were recorded. What was imported last lies first in time, so the newest
# event of the card is an old row; and the orders of another card are newer than all of them.
HISTORY = numbered(
    order("2018-06-10 14:00", user="a minute ago"),
    order("2018-06-09 12:00", user="the day before"),
    order("2018-06-05 12:00", user="charged back", charged="2018-06-08 12:00"),
    order("2018-06-10 15:00", user="asks"),
    order("2018-06-10 13:00", user="stored later"),
    order("2018-06-08 12:00", user="imported later"),
    order("2018-06-10 10:00", card="d", user="another card"),
)
ASKER = HISTORY[3]
LIVES = {
    "all that was stored before it": Live(ASKER, ASKER.at_us, 3, 3, frozenset()),
    "with a row in flight": Live(ASKER, ASKER.at_us, 3, 3, frozenset({0})),
    "by an older load": Live(ASKER, ASKER.at_us, 1, 3, frozenset()),
    "everything": Live(ASKER, ASKER.at_us, 100, 100, frozenset()),
}


def is_right(live: Live) -> bool:
    as_of = CALENDAR.due_day(live.at_us, FEATURES.snapshot_lag)
    xmin = min({*live.hidden, live.xmax})
    asked = {
        "asked_us": live.at_us,
        "as_of": as_of,
        "visible": shuffle.live_visibility(live.watermark, xmin, live.xmax, sorted(live.hidden)),
    }
    questions = [asked if order is live.asker else dict.fromkeys(asked) for order in HISTORY]
    found = training_rows(with_questions(order_rows(HISTORY), questions))[str(live.asker.order_id)]
    question = reference.Question(live.at_us, as_of)
    return all(
        found[velocity.name]
        == reference.value(
            velocity, live.asker, question, seen_by(live, velocity, HISTORY), CALENDAR
        )
        for velocity in FEATURES.velocities
    )


@st.composite
def keyed_events(draw: st.DrawFn) -> Events:
    """Events of three entities in any order of time and of recording, some of them repeated."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 5), st.booleans()),
            max_size=12,
        )
    )
    entity, at_us, keys, repeated = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Events(
        entities=3,
        entity=entity,
        at_us=at_us,
        amount_cents=np.zeros(len(rows), dtype=np.int64),
        targets={},
        order=np.arange(len(rows)),
        recorded_key=keys,
        order_recorded_key=keys,
        repeated=repeated.astype(np.bool_),
    )


def newest_is_right(events: Events) -> bool:
    found = SortedEvents(events, CALENDAR)
    assert events.repeated is not None
    assert events.recorded_key is not None
    keys = events.recorded_key[~events.repeated][found.by_entity_and_time]
    return found.newest_recorded_key.tolist() == [
        max(keys[found.starts[entity] : position + 1])
        for position, entity in enumerate(found.entity)
    ]


@given(keyed_events())
def test_the_newest_recorded_key_is_the_greatest_of_the_entity_so_far(events: Events) -> None:
    assert newest_is_right(events)


@pytest.mark.parametrize("live", LIVES.values(), ids=LIVES)
def test_without_a_mistake_a_live_order_is_answered_with_what_it_saw(live: Live) -> None:
    assert is_right(live)


TWO_ENTITIES = Events(
    entities=2,
    entity=np.array([0, 0, 0, 1]),
    at_us=np.array([1, 2, 3, 1]),
    amount_cents=np.zeros(4, dtype=np.int64),
    targets={},
    order=np.arange(4),
    recorded_key=np.array([1, 9, 2, 3]),
    order_recorded_key=np.array([1, 9, 2, 3]),
    repeated=np.array([True, False, False, False]),
)
KEY_MISTAKES = {
    "the newest key is that of the last event": Mistake(
        SORTED + "newest_recorded_key", "np.maximum.accumulate(lift + rank)", "(lift + rank)",
    ),
    "the newest key runs on into the next entity": Mistake(
        SORTED + "newest_recorded_key", "self.entity * len(known)", "self.entity * 0",
    ),
    "keys of repeated chargebacks are taken for others'": Mistake(
        SORTED + "row_of_position", "np.flatnonzero(~self.everything.repeated)[",
        "np.arange(len(self.entity))[",
    ),
}  # fmt: skip
ARRAYS = "features_pkg.engines.arrays."
SIGHT = ARRAYS + "visibility:Sight."
WINDOWS = ARRAYS + "window_sight:WindowSight."
VALUES = "features_pkg.history.hidden_values:HiddenValues."
LIVE_MISTAKES = {
    "the newest key is that of the last event": KEY_MISTAKES[
        "the newest key is that of the last event"
    ],
    "a row at the watermark is in the load": Mistake(
        SIGHT + "__init__", "self.visibility.watermark,", "self.visibility.watermark + 1,",
    ),
    "the watermark is ignored": Mistake(
        SIGHT + "__init__", "self.visibility.watermark,", "self.visibility.watermark + 1_000,",
    ),
    "a row in flight was visible": Mistake(
        ARRAYS + "snapshots:Chain.links",
        "np.where(self.key[nearest] == keys, self.first_link[nearest], links)", "links",
    ),
    "a row stored after it was visible": Mistake(
        SIGHT + "__init__", "link + 1", "link + 2",
    ),
    "what the last of them saw, all saw": Mistake(
        SIGHT + "__init__", "link + 1", "np.full(len(entity), len(entity))",
    ),
    "a chargeback is seen without its order": Mistake(
        SIGHT + "_rank", "self._chain.links(events.order_recorded_key)",
        "self._chain.links(events.recorded_key)",
    ),
    "its own order counts": Mistake(
        SIGHT + "_find_own", "self.visibility.own_us < self.questions.at_us",
        "self.visibility.own_us < 0",
    ),
    "its own order's later chargeback counts": Mistake(
        SIGHT + "_sees", "visible & (events.order[row] != self.visibility.order[question])",
        "visible",
    ),
    "its own order is left out though it was hidden": Mistake(
        WINDOWS + "_own_in_windows", "hidden.rank[own[mask]] < hidden.limit[mask]", "True",
    ),
    "the value of its own order is nobody else's": Mistake(
        WINDOWS + "_add_single_values", "(other >= before)", "(other < 0)",
    ),
    "a later chargeback never counts": Mistake(
        ARRAYS + "charged_again:_later", "events.repeated[row[first]]",
        "np.zeros(len(first), dtype=bool)",
    ),
    "a later chargeback counts beside the first": Mistake(
        ARRAYS + "charged_again:_later", "pair, return_index=True",
        "2 * pair + events.repeated[row], return_index=True",
    ),
    "a later chargeback brings its values though others did": Mistake(
        WINDOWS + "_add_single_values", "(last >= before).astype(np.int64) - counts",
        "-counts.astype(np.int64)",
    ),
    "the pair around a hidden sighting stays broken": Mistake(
        VALUES + "_late_items", "(left, right, 1, both)", "(left, right, 0, both)",
    ),
    "sightings of one transaction have no order": Mistake(
        VALUES + "_late_items", "before(late, rank + 1)", "before(late, rank)",
    ),
    "the neighbour of another entity is one": Mistake(
        VALUES + "_late_items", "(left >= 0) & (group[left] == group[late])", "left >= 0",
    ),
    "pairs longer than the window count in it": Mistake(
        VALUES + "total", "gap <= span", "gap < 2**62",
    ),
    "an age has later chargebacks from before the cutoff that the recent read saw": Mistake(
        SIGHT + "_later_of_both", ">= cutoff_us", ">= 0",
    ),
    "an age is of what the recent read saw": Mistake(
        WINDOWS + "_last", "self.sight.hidden(self.event, past)",
        "self.sight.hidden(self.event, Past.RECENT)",
    ),
    "an age knows its own order": Mistake(
        WINDOWS + "_last", "(found == own) & (own >= 0)", "(found == -2)",
    ),
    "a first age knows its own order": Mistake(WINDOWS + "_first", "found == own", "found == -2"),
    "an event is late for the next entity's questions": Mistake(
        "features_pkg.history.hidden_events:HiddenEvents._lowest_limit_after",
        "np.minimum.accumulate((lift + code)[::-1])[::-1]", "(lift + code)",
    ),
}  # fmt: skip
CROWDED = crowded_world()


def crowded_is_right() -> bool:
    found = training_rows(CROWDED.table())
    return all(
        found[question.order_id][velocity.name] == CROWDED.value(question, velocity)
        for question in CROWDED.questions
        for velocity in FEATURES.velocities
    )


@pytest.mark.parametrize("mistake", KEY_MISTAKES.values(), ids=KEY_MISTAKES)
def test_a_mistake_about_the_newest_key_is_caught(mistake: Mistake) -> None:
    assert newest_is_right(TWO_ENTITIES)
    with broken(mistake):
        assert not newest_is_right(TWO_ENTITIES)


def test_without_a_mistake_a_crowded_world_is_answered_with_what_it_saw() -> None:
    assert crowded_is_right()


@pytest.mark.parametrize("mistake", LIVE_MISTAKES.values(), ids=LIVE_MISTAKES)
def test_a_mistake_about_what_a_live_order_saw_is_caught(mistake: Mistake) -> None:
    with broken(mistake):
        assert not (all(map(is_right, LIVES.values())) and crowded_is_right())
