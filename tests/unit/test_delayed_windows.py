"""Windows that end some days before the due day: how they are written, and what is refused."""

import pytest

from features_pkg import parse_name
from features_pkg.definitions.window import Window
from features_pkg.errors import DefinitionError


@pytest.mark.parametrize(
    ("text", "days", "delay_days", "is_ever"),
    [
        ("30d", 30, 0, False),
        ("30d_delay_7d", 30, 7, False),
        ("1d_delay_89d", 1, 89, False),
        ("ever", None, 0, True),
        ("ever_delay_7d", None, 7, True),
        ("24h", None, 0, False),
        ("since_cutoff", None, 0, False),
    ],
)
def test_a_window_says_how_long_it_is_and_how_many_days_before_the_due_day_it_ends(
    text: str, days: int | None, delay_days: int, *, is_ever: bool
) -> None:
    window = Window(text)

    assert (window.days, window.delay_days, window.is_ever) == (days, delay_days, is_ever)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("since_cutoff_delay_7d", "begins where the distant past ends, so it takes no delay"),
        ("30d_delay_0d", "a delay of 0 days is none: write '30d'"),
        ("30d_delay_7h", "a delay is a whole number of days, like '30d_delay_7d'"),
        ("30d_delay_07d", "a delay is a whole number of days, like '30d_delay_7d'"),
        ("30d_delay_", "a delay is a whole number of days, like '30d_delay_7d'"),
        ("30d_delay_7d_delay_7d", "a delay is a whole number of days, like '30d_delay_7d'"),
        ("_delay_7d", "write a whole number and a unit"),
    ],
)
def test_what_is_not_a_delay_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence) as refused:
        Window(text)

    assert f"window {text!r}" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("card_orders_24h_delay_1d_recent", "'recent' looks up to the question itself"),
        ("card_orders_since_cutoff_delay_1d_recent", "so it takes no delay"),
        ("card_orders_24h_delay_1d_distant", "'distant' takes whole days from 1d to 90d"),
        ("card_orders_30d_delay_12h_distant", "a delay is a whole number of days"),
        ("card_orders_30d_delay_0d_distant", "a delay of 0 days is none: write '30d'"),
        ("card_orders_84d_delay_7d_distant", "reaches back 91 days, delay included"),
        ("card_orders_ever_delay_91d_distant", "reaches back 91 days, delay included"),
        (
            "card_distinct_user_orders_30d_delay_7d_distant",
            "timelines keep the day on which each value was last seen",
        ),
    ],
)
def test_a_delay_that_can_not_be_served_is_refused_with_its_reason(
    name: str, sentence: str
) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        parse_name(name)
