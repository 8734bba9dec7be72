"""What part of the charged back orders a model finds, period after period."""

from datetime import date, timedelta
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints
from jobs.train.orders import LabelledOrders
from jobs.train.page.binning import safe_groups
from jobs.train.page.figures import Recall

MOST_PERIODS: Final = 16
EPOCH_DATE: Final = date(1970, 1, 1)


def date_of(day: int) -> date:
    """The date of a civil day that is counted from 1970 on."""
    return EPOCH_DATE + timedelta(days=day)


def recalls(
    orders: LabelledOrders,
    own: tuple[Floats, float],
    current: tuple[Floats, float] | None,
) -> tuple[Recall, ...]:
    """The recall of both models, each by its scores and its review threshold.

    The periods have the same number of days, or several times as many where fewer orders were
    charged back than may be shown.
    """
    charged_back = orders.labels
    if not len(orders):
        return ()
    days = orders.days[charged_back]
    first, last = int(orders.days.min()), int(orders.days.max())
    length = -(-(last - first + 1) // MOST_PERIODS)
    periods = (days - first) // length
    number = (last - first) // length + 1
    counts = np.bincount(periods, minlength=number)

    def found(model: tuple[Floats, float] | None) -> Ints | None:
        if model is None:
            return None
        caught = model[0][charged_back] >= model[1]
        return np.bincount(periods[caught], minlength=number)

    by_own, by_current = found(own), found(current)
    return tuple(
        Recall(
            first_day=date_of(first + start * length),
            last_day=min(date_of(first + end * length - 1), date_of(last)),
            charged_back=int(counts[start:end].sum()),
            own=_share(by_own, counts, start, end) or 0.0,
            current=_share(by_current, counts, start, end),
        )
        for start, end in safe_groups(counts[np.newaxis, :])
    )


def _share(found: Ints | None, counts: Ints, start: int, end: int) -> float | None:
    if found is None:
        return None
    return float(found[start:end].sum() / counts[start:end].sum())
