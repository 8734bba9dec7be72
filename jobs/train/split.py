"""Which orders a model is fitted on, and which it is measured on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from features_pkg.calendar import DAY_US, MICROSECOND
from jobs.train.errors import PeriodTooShort
from jobs.train.orders import LabelledOrders
from jobs.training_set.errors import NothingToTrainOn

HOLD_OUT_SHARE: Final = 0.3
LEAST_DAYS: Final = 2


@dataclass(frozen=True, slots=True)
class Split:
    """The training part, then a gap until its labels are known, then the hold-out."""

    training: LabelledOrders
    hold_out: LabelledOrders
    training_end_us: int
    hold_out_start_us: int


def split_by_time(orders: LabelledOrders, maturity: timedelta) -> Split:
    """The split with a gap of `maturity`; the hold-out has 30 % of the remaining time.

    An order whose label changed after the hold-out began, because its chargeback was reversed, is
    in neither part.

    Raises:
        PeriodTooShort: less than two days remain.
        NothingToTrainOn: no order has a label, or none is in the training part.
    """
    if not len(orders):
        raise NothingToTrainOn(
            "no order of the training set has a label yet",
            "name a later label instant with --labels-as-of, or build it over older days",
        )
    gap_us = maturity // MICROSECOND
    first_us, last_us = int(orders.asked_us[0]), int(orders.asked_us[-1])
    usable_us = last_us - first_us - gap_us
    if usable_us < LEAST_DAYS * DAY_US:
        raise PeriodTooShort(
            labelled_days=(last_us - first_us) / DAY_US,
            maturity=maturity,
            least_days=gap_us / DAY_US + LEAST_DAYS,
        )
    start_us = last_us - int(HOLD_OUT_SHARE * usable_us)
    end_us = start_us - gap_us
    early = (orders.asked_us < end_us) & (orders.known_us <= start_us)
    training, hold_out = orders.take(early), orders.take(orders.asked_us >= start_us)
    if not len(training):
        raise NothingToTrainOn(
            "no order is in the training part", "build the training set over more days"
        )
    return Split(training, hold_out, end_us, start_us)
