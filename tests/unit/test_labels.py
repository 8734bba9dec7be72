"""The label of an order as of an instant."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from jobs.training_set.labels import QUIET, LabelRule, Reason, quiet_sentence

if TYPE_CHECKING:
    pass

RULE = LabelRule(instant_us=1000, maturity_us=100)


@pytest.mark.parametrize(
    ("event", "chargebacks", "reversals", "expected"),
    [
        (0, (), (), (0, 100, Reason.HONEST)),
        (900, (), (), (0, 1000, Reason.HONEST)),
        (901, (), (), (None, None, Reason.TOO_YOUNG)),
        (0, (100,), (), (1, 100, Reason.CHARGED_BACK)),
        (0, (101,), (), (None, None, Reason.CHARGED_BACK_LATE)),
        (950, (990,), (), (1, 990, Reason.CHARGED_BACK)),
        (950, (1000,), (), (1, 1000, Reason.CHARGED_BACK)),
        (950, (1001,), (), (None, None, Reason.TOO_YOUNG)),
        (900, (1001,), (), (0, 1000, Reason.HONEST)),
        (0, (50,), (60,), (0, 100, Reason.HONEST)),
        (0, (50,), (600,), (0, 600, Reason.HONEST)),
        (0, (50,), (1001,), (1, 50, Reason.CHARGED_BACK)),
        (0, (50, 90), (60,), (1, 90, Reason.CHARGED_BACK)),
        (0, (101,), (300,), (0, 300, Reason.HONEST)),
        (0, (50,), (40,), (0, 100, Reason.HONEST)),
        (0, (500,), (40,), (0, 500, Reason.HONEST)),
        (0, (), (40,), (0, 100, Reason.HONEST)),
        (0, (1001,), (40,), (0, 100, Reason.HONEST)),
        (0, (50, 90), (40,), (1, 90, Reason.CHARGED_BACK)),
        (0, (50, 90), (40, 95), (0, 100, Reason.HONEST)),
        (0, (50, 90), (60, 70), (1, 90, Reason.CHARGED_BACK)),
        (0, (50,), (50,), (0, 100, Reason.HONEST)),
        (950, (990,), (960,), (None, None, Reason.TOO_YOUNG)),
    ],
)
def test_the_label_is_what_was_known_at_its_instant(
    event: int,
    chargebacks: tuple[int, ...],
    reversals: tuple[int, ...],
    expected: tuple[int | None, int | None, Reason],
) -> None:
    label = RULE.label(event, chargebacks, reversals)

    assert (label.value, label.known_us, label.reason) == expected


NEWEST = datetime(2018, 8, 29, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("newest", "instant"), [(None, NEWEST), (NEWEST, NEWEST), (NEWEST, NEWEST + QUIET)]
)
def test_a_shop_that_still_sells_is_labelled_without_a_word(
    newest: datetime | None, instant: datetime
) -> None:
    assert quiet_sentence(newest, instant) is None


def test_a_history_that_ended_long_before_the_label_instant_is_a_warning() -> None:
    sentence = quiet_sentence(NEWEST, NEWEST + QUIET + timedelta(days=1))

    assert sentence is not None
    assert "2018-08-29T15:00:00+00:00, 8 days before" in sentence
    assert "--labels-as-of 2018-08-29T15:00:00+00:00" in sentence
