"""Windows with a delay: every engine answers what the reference does, on older snapshots, too.

Such a window ends some civil days before the due day, or where an older snapshot ends if that is
earlier.
"""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import parse_name, shuffle
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.definitions.window import Window
from features_pkg.engines import reference
from features_pkg.engines.one_order import Evaluator
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, Event
from tests.parity import worlds
from tests.parity.live_worlds import crowded_world
from tests.parity.mutants import Mistake, broken
from tests.parity.orders import numbered, order
from tests.parity.rows import CALENDAR, as_order, distant_past, order_rows, snapshot
from tests.parity.test_shuffle_is_the_reference import training_rows, with_questions

History = list[PastOrder]
NOTHING_HIDDEN = shuffle.live_visibility(10**6, 10**6, 10**6)

windows = st.builds(
    lambda length, delay: Window(f"{length}_delay_{delay}d"),
    st.sampled_from(("1d", "6d", "7d", "30d", "60d", "ever")),
    st.sampled_from((1, 2, 7, 30)),
)
delayed = st.builds(
    Velocity,
    st.sampled_from(IDENTIFIERS),
    st.sampled_from(Event),
    windows,
    st.just(Past.DISTANT),
    st.sampled_from((Measure.COUNT, Measure.AMOUNT)),
)


def a_set(velocities: list[Velocity]) -> FeatureSet:
    return FeatureSet(CALENDAR.timezone, timedelta(hours=4), tuple(velocities))


def asked(features: FeatureSet, asker: PastOrder, stale_days: int) -> reference.Question:
    due_day = CALENDAR.due_day(asker.at_us, features.snapshot_lag)
    return reference.Question(asker.at_us, due_day - stale_days, due_day)


def expected(
    features: FeatureSet, asker: PastOrder, at: reference.Question, history: History
) -> list[int | None]:
    return [reference.value(v, asker, at, history, CALENDAR) for v in features.velocities]


def served(
    features: FeatureSet, asker: PastOrder, at: reference.Question, history: History
) -> list[int | None]:
    """What a request reads off the timelines of the snapshot."""
    past = distant_past(asker, snapshot(history, at.as_of), at.as_of)
    vector = Evaluator(features).vector(as_order(asker), at.at_us, past, [])
    values = vector.values[: len(features.velocities)]
    return [None if math.isnan(value) else int(value) for value in values]


def trained(
    features: FeatureSet, questions: list[reference.Question], history: History
) -> list[list[object]]:
    """What a training set has for each order."""
    rows = [
        {"asked_us": at.at_us, "as_of": at.as_of, "visible": NOTHING_HIDDEN} for at in questions
    ]
    done = training_rows(with_questions(order_rows(history), rows), features=features)
    names = [velocity.name for velocity in features.velocities]
    return [[done[str(asker.order_id)][name] for name in names] for asker in history]


@given(
    history=worlds.orders(),
    velocities=st.lists(delayed, min_size=1, max_size=12, unique=True),
    stale=st.lists(st.sampled_from((0, 0, 1, 2, 9)), min_size=14, max_size=14),
    which=st.integers(0, 13),
)
@settings(max_examples=60, deadline=None)
def test_a_delayed_window_is_the_reference_on_any_snapshot(
    history: History, velocities: list[Velocity], stale: list[int], which: int
) -> None:
    features = a_set(velocities)
    questions = [asked(features, o, days) for o, days in zip(history, stale, strict=False)]
    right = [expected(features, o, at, history) for o, at in zip(history, questions, strict=True)]

    assert trained(features, questions, history) == right
    one = which % len(history)
    assert served(features, history[one], questions[one], history) == right[one]


# The rule names 2018-06-10, whose day begins at 03:00. Seven days that end two days before it are
# those from 2018-06-01 up to 2018-06-07.
HISTORY = numbered(
    order("2018-06-10 15:00", user="asks", product=("p", "q")),
    order("2018-06-01 02:59:59.999999", product=("p",)),
    order("2018-06-01 03:00", product=("q",), charged="2018-06-07 12:00"),
    order("2018-06-05 12:00", product=("q",), charged="2018-06-08 12:00"),
    order("2018-06-08 02:59:59.999999", product=("q",)),
    order("2018-06-08 03:00", product=("p",)),
    order("2018-06-09 12:00", product=("p",)),
    order("2018-02-01 12:00", charged="2018-02-03 12:00"),
)
FEATURES = a_set(
    [
        parse_name("card_orders_7d_delay_2d_distant"),
        parse_name("card_orders_ever_delay_2d_distant"),
        parse_name("card_amount_cents_orders_7d_delay_2d_distant"),
        parse_name("card_chargebacks_7d_delay_2d_distant"),
        parse_name("product_orders_7d_delay_2d_distant"),
    ]
)
VALUES_BY_STALE_DAYS = {
    0: [3, 5, 102 + 103 + 104, 1, 3],
    2: [3, 5, 102 + 103 + 104, 1, 3],
    3: [2, 4, 102 + 103, 0, 2],
    20: [0, 1, 0, 0, 0],
}


def served_is_right() -> bool:
    return all(
        served(FEATURES, HISTORY[0], asked(FEATURES, HISTORY[0], days), HISTORY) == values
        for days, values in VALUES_BY_STALE_DAYS.items()
    )


def training_is_right() -> bool:
    return all(
        trained(FEATURES, [asked(FEATURES, o, days) for o in HISTORY], HISTORY)[0] == values
        for days, values in VALUES_BY_STALE_DAYS.items()
    )


def test_a_delayed_window_ends_at_the_earlier_of_its_delay_and_the_snapshot() -> None:
    for days, values in VALUES_BY_STALE_DAYS.items():
        at = asked(FEATURES, HISTORY[0], days)
        assert expected(FEATURES, HISTORY[0], at, HISTORY) == values
    assert served_is_right()
    assert training_is_right()


READS = "features_pkg.measures.measure:_delayed"
SERVING_MISTAKES = {
    "the delay is left out": Mistake(
        READS, "read(timeline, due_day, delay)", "0 * read(timeline, due_day, delay)"
    ),
    "the delay makes the window shorter": Mistake(READS, "window.days + delay", "window.days"),
    "the delay is a day less": Mistake(
        READS, "read(timeline, due_day, delay)", "read(timeline, due_day, delay - 1)"
    ),
}
QUESTIONS = "features_pkg.engines.arrays.questions:"
EDGE, EARLIER = QUESTIONS + "Questions.edge_us", 'np.minimum(day, self.as_of) if kind == "delay"'
TRAINING_MISTAKES = {
    "the delay is left out": Mistake(QUESTIONS + "edges", '("delay", delay) if', "CUTOFF if"),
    "the delay makes the window shorter": Mistake(
        QUESTIONS + "edges", "window.days + delay", "window.days"
    ),
    "the delay is a day less": Mistake(
        QUESTIONS + "edges", '("delay", delay) if', '("delay", delay - 1) if'
    ),
    "the delay is counted from the snapshot": Mistake(
        EDGE, EARLIER, 'self.as_of - length if kind == "delay"'
    ),
    "an older snapshot has the days that it lacks": Mistake(EDGE, EARLIER, 'day if kind == ""'),
}


@pytest.mark.parametrize("mistake", SERVING_MISTAKES.values(), ids=SERVING_MISTAKES)
def test_a_mistake_about_delays_that_are_served_is_caught(mistake: Mistake) -> None:
    with broken(mistake):
        assert not served_is_right()


@pytest.mark.parametrize("mistake", TRAINING_MISTAKES.values(), ids=TRAINING_MISTAKES)
def test_a_mistake_about_delays_in_training_is_caught(mistake: Mistake) -> None:
    with broken(mistake):
        assert not training_is_right()


# São Paulo: 2018-11-04 begins at 03:00 and has 23 hours, so the day after it begins at 02:00.
AROUND_A_SHORT_DAY = numbered(
    order("2018-11-07 15:00", user="asks"),
    order("2018-11-04 02:59:59.999999", user="the day before"),
    order("2018-11-04 03:00", user="its first instant"),
    order("2018-11-05 01:59:59.999999", user="its last instant"),
    order("2018-11-05 02:00", user="the day after"),
)


@pytest.mark.parametrize(
    ("window", "count"),
    [("1d_delay_1d", 1), ("1d_delay_2d", 2), ("1d_delay_3d", 1), ("ever_delay_3d", 1)],
)
def test_a_delay_ends_where_a_day_of_23_hours_does(window: str, count: int) -> None:
    features = a_set([parse_name(f"card_orders_{window}_distant")])
    questions = [asked(features, each, 0) for each in AROUND_A_SHORT_DAY]
    asker = AROUND_A_SHORT_DAY[0]

    assert expected(features, asker, questions[0], AROUND_A_SHORT_DAY) == [count]
    assert served(features, asker, questions[0], AROUND_A_SHORT_DAY) == [count]
    assert trained(features, questions, AROUND_A_SHORT_DAY)[0] == [count]


CROWDED = crowded_world()
CHARGED_BACK = a_set([parse_name(f"{i}_chargebacks_7d_delay_3d_distant") for i in IDENTIFIERS])


def crowded_is_right() -> bool:
    found = training_rows(CROWDED.table(), features=CHARGED_BACK)
    return all(
        found[question.order_id][velocity.name] == CROWDED.value(question, velocity)
        for question in CROWDED.questions
        for velocity in CHARGED_BACK.velocities
    )


def test_a_later_chargeback_counts_only_if_it_came_before_the_delay() -> None:
    within_the_delay = Mistake(
        "features_pkg.engines.arrays.window_sight:WindowSight._later_in_windows",
        "at_us < self.end_us[question]",
        "at_us < self.sight.questions.at_us[question]",
    )

    assert crowded_is_right()
    with broken(within_the_delay):
        assert not crowded_is_right()
