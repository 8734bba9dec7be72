"""How many of the first days of a history no model is trained on."""

from typing import Final

MOST_DAYS: Final = 30


def warm_up_days(days: int) -> int:
    """The days whose orders have too little history to train on, of a history of `days`."""
    return min(MOST_DAYS, days // 8)
