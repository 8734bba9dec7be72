"""What the loop refused, as lines of the log that are few however many clients there are."""

from collections import Counter
from typing import NamedTuple

from service import log
from service.metrics import metering
from service.worker.refusals import Refusal


class _Kind(NamedTuple):
    status: int
    error: str
    merchant_id: int | None
    """The merchant that was refused for what it does; None where anybody would be."""


class RefusalLog:
    """Counts refusals by status and kind, and writes one line for each kind when it is told to."""

    def __init__(self) -> None:
        self._counts: Counter[_Kind] = Counter()
        self._newest: dict[_Kind, str] = {}

    def count(self, refusal: Refusal) -> None:
        """Count one refusal."""
        metering.refused(refusal.problem.code)
        kind = _Kind(refusal.problem.status, refusal.name, refusal.merchant_id)
        self._counts[kind] += 1
        self._newest[kind] = refusal.problem.request_id

    def write(self) -> None:
        """Write what was refused since the last call."""
        for kind, count in self._counts.items():
            merchant = {} if kind.merchant_id is None else {"merchant_id": kind.merchant_id}
            log.info(
                "refused without a thread",
                status=kind.status,
                error=kind.error,
                count=count,
                request_id=self._newest[kind],
                **merchant,
            )
        self._counts.clear()
        self._newest.clear()
