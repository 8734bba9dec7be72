"""Was it fraud? The label of an order as of a stated instant, and since when it was known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

QUIET: Final = timedelta(days=7)
"""A shop that is connected has no week without an order or a chargeback."""


class Reason(StrEnum):
    """Why an order has its label, or none."""

    CHARGED_BACK = "charged_back"
    HONEST = "honest"
    TOO_YOUNG = "too_young"
    CHARGED_BACK_LATE = "charged_back_late"


@dataclass(frozen=True, slots=True)
class Label:
    """1, 0 or None, and the microsecond since which it is known; None where there is no label."""

    value: int | None
    known_us: int | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Labels as of `instant_us`; a chargeback counts up to `maturity_us` after its order."""

    instant_us: int
    maturity_us: int

    def label(self, event_us: int, chargebacks: Sequence[int], reversals: Sequence[int]) -> Label:
        """The label of an order of `event_us`, given when its chargebacks and reversals were known.

        Charged back within the maturity and known by the instant: 1. Old enough and not charged
        back, or not any more: 0. Charged back later, or too young to tell: None. Both ends of the
        maturity and the instant itself are included. A reversal that was known before any
        chargeback reverses the first one, from when that is known.
        """
        charges = [us for us in chargebacks if us <= self.instant_us]
        undone = [us for us in reversals if us <= self.instant_us]
        if charges and undone and min(undone) < min(charges):
            undone.append(min(charges))
        changes = [(us, False) for us in charges] + [(us, True) for us in undone]
        charged_us, reversed_us = None, event_us
        for us, is_reversal in sorted(changes):
            if is_reversal:
                charged_us, reversed_us = None, us
            elif charged_us is None:
                charged_us = us
        mature_us = event_us + self.maturity_us
        if charged_us is not None and charged_us <= mature_us:
            return Label(1, charged_us, Reason.CHARGED_BACK)
        if charged_us is not None:
            return Label(None, None, Reason.CHARGED_BACK_LATE)
        if mature_us > self.instant_us:
            return Label(None, None, Reason.TOO_YOUNG)
        return Label(0, max(mature_us, reversed_us), Reason.HONEST)


def quiet_sentence(newest_event: datetime | None, instant: datetime) -> str | None:
    """A warning when the newest event lies long before the label instant, else None.

    What happened in between is then not stored, so an order whose chargeback came in that time
    would count as honest.
    """
    if newest_event is None or instant - newest_event <= QUIET:
        return None
    days = (instant - newest_event).days
    return (
        f"warning: the newest event is of {newest_event.isoformat()}, {days} days before the label "
        f"instant {instant.isoformat()}: an order counts as honest even if it was charged back "
        "since, because that is not stored. If the history ends there, label it with "
        f"--labels-as-of {newest_event.isoformat()}"
    )
