"""Where the snapshot of the due day is not there, an older one answers as the reference does.

Windows of days end where the older one ends and begin where they would have, `since_cutoff` begins
where it ends, so no day is lost and none is there twice.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.calendar import DAY_US
from features_pkg.engines import reference
from features_pkg.engines.one_order import Evaluator
from features_pkg.history.past_orders import PastOrder
from tests.parity import worlds
from tests.parity.mutants import Mistake, broken
from tests.parity.orders import numbered, order
from tests.parity.rows import (
    CALENDAR,
    FEATURES,
    as_order,
    distant_past,
    order_rows,
    recent,
    snapshot,
)
from tests.parity.test_shuffle_is_the_reference import training_rows, with_questions

EVALUATOR = Evaluator(FEATURES)
History = list[PastOrder]


def question(asker: PastOrder, stale_days: int) -> reference.Question:
    due_day = CALENDAR.due_day(asker.at_us, FEATURES.snapshot_lag)
    return reference.Question(asker.at_us, due_day - stale_days, due_day)


@given(history=worlds.orders(), which=st.integers(0, 100), stale_days=st.integers(0, 2))
def test_one_order_on_a_stale_snapshot_is_the_reference(
    history: History, which: int, stale_days: int
) -> None:
    asker = history[which % len(history)]
    at = question(asker, stale_days)
    from_us = min(at.at_us - DAY_US, CALENDAR.cutoff_us(at.as_of))

    vector = EVALUATOR.vector(
        as_order(asker),
        at.at_us,
        distant_past(asker, snapshot(history, at.as_of), at.as_of),
        recent(asker, history, from_us, at.at_us),
    )

    for velocity, found in zip(FEATURES.velocities, vector.values, strict=False):
        right = reference.value(velocity, asker, at, history, CALENDAR)
        assert (None if math.isnan(found) else found) == right, velocity.name


@settings(max_examples=40)
@given(history=worlds.orders(), stale_days=st.lists(st.integers(0, 2), min_size=14, max_size=14))
def test_training_of_stale_rows_is_the_reference(history: History, stale_days: list[int]) -> None:
    questions = [question(o, days) for o, days in zip(history, stale_days, strict=False)]
    all_seen = shuffle.live_visibility(10**6, 10**6, 10**6)
    rows = [{"asked_us": q.at_us, "as_of": q.as_of, "visible": all_seen} for q in questions]

    done = training_rows(with_questions(order_rows(history), rows))

    for asker, at in zip(history, questions, strict=True):
        for velocity in FEATURES.velocities:
            right = reference.value(velocity, asker, at, history, CALENDAR)
            assert done[str(asker.order_id)][velocity.name] == right, velocity.name


# The rule names 2018-06-10; the snapshots of the two days before it serve as well.
HISTORY = numbered(
    order("2018-06-10 15:00", user="asks"),
    order("2018-05-10 12:00", user="asks", card="seen before and after"),
    order("2018-06-09 12:00", user="asks", card="seen before and after"),
    order("2018-06-03 02:59:59.999999", user="too early"),
    order("2018-06-03 03:00", user="first of seven days"),
    order("2018-06-08 12:00", user="the day that is missing"),
    order("2018-06-07 12:00", user="there"),
)
SEVEN_DAYS = "card_orders_7d_distant"
MISTAKES = {
    "windows begin where the snapshot has them": Mistake(
        "features_pkg.engines.arrays.questions:Questions.edge_us", "self.due_day -", "self.as_of -"
    ),
    "a value seen before and after the window is in it": Mistake(
        "features_pkg.engines.arrays.answers:_IdentifierAnswers._spans",
        "not self._stale_days.any()",
        "True",
    ),
    "a window that ends before it begins counts backwards": Mistake(
        "features_pkg.engines.arrays.answers:_IdentifierAnswers.value",
        "np.minimum(self._position(velocity.event, start), after)",
        "self._position(velocity.event, start)",
    ),
}


def training_is_right() -> bool:
    """Whether the first order's stale training rows are the reference's."""
    return all(training_of(question(HISTORY[0], days)) == expected(days) for days in range(3))


def training_of(at: reference.Question) -> dict[str, object]:
    asked = {"asked_us": at.at_us, "as_of": at.as_of, "visible": None}
    questions = [asked, *[dict.fromkeys(asked)] * (len(HISTORY) - 1)]
    found = training_rows(with_questions(order_rows(HISTORY), questions))["0"]
    return {velocity.name: found[velocity.name] for velocity in FEATURES.velocities}


def expected(stale_days: int) -> dict[str, object]:
    at = question(HISTORY[0], stale_days)
    return {
        v.name: reference.value(v, HISTORY[0], at, HISTORY, CALENDAR) for v in FEATURES.velocities
    }


def test_without_a_mistake_stale_training_rows_are_right() -> None:
    assert training_is_right()
    assert [expected(days)[SEVEN_DAYS] for days in range(3)] == [3, 3, 2]


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_about_stale_training_rows_is_seen(mistake: Mistake) -> None:
    with broken(mistake):
        assert not training_is_right()


@pytest.mark.parametrize("stale_days", [1, 2])
def test_one_order_begins_its_windows_where_the_rule_does(stale_days: int) -> None:
    at = question(HISTORY[0], stale_days)

    past = distant_past(HISTORY[0], snapshot(HISTORY, at.as_of), at.as_of)
    vector = EVALUATOR.vector(as_order(HISTORY[0]), at.at_us, past, [])

    place = FEATURES.names.index(SEVEN_DAYS)
    assert vector.values[place] == expected(stale_days)[SEVEN_DAYS]


def test_days_of_history_are_counted_to_the_day_that_the_rule_names() -> None:
    noon = CALENDAR.cutoff_us(CALENDAR.day_of(0)) + DAY_US // 2
    nothing: dict[str, tuple[object, ...]] = dict.fromkeys(worlds.IDENTIFIERS, ())
    history = [
        PastOrder("m1", str(n), noon + days * DAY_US, 1, {**nothing, "card": ("c",)})
        for n, days in enumerate((0, 10))
    ]
    asker, at = history[1], question(history[1], stale_days=2)
    questions = [
        dict.fromkeys(("asked_us", "as_of", "visible")),
        {"asked_us": at.at_us, "as_of": at.as_of, "visible": None},
    ]

    past = distant_past(asker, snapshot(history, at.as_of), at.as_of)
    vector = EVALUATOR.vector(as_order(asker), at.at_us, past, [])
    done = training_rows(with_questions(order_rows(history), questions))

    place = FEATURES.names.index("merchant_history_days")
    assert vector.values[place] == 10
    assert done["1"]["merchant_history_days"] == 10
