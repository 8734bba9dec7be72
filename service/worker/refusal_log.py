"""What the loop refused, as lines of the log that are few however many clients there are."""

from collections import Counter

from service import log
from service.metrics import metering
from service.worker.refusals import Refusal


class RefusalLog:
    """Counts refusals by status and kind, and writes one line for each kind when it is told to."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str]] = Counter()
        self._newest: dict[tuple[int, str], str] = {}

    def count(self, refusal: Refusal) -> None:
        """Count one refusal."""
        metering.refused(refusal.problem.code)
        kind = (refusal.problem.status, refusal.name)
        self._counts[kind] += 1
        self._newest[kind] = refusal.problem.request_id

    def write(self) -> None:
        """Write what was refused since the last call."""
        for kind, count in self._counts.items():
            status, name = kind
            newest = self._newest[kind]
            log.info(
                "refused without a thread",
                status=status,
                error=name,
                count=count,
                request_id=newest,
            )
        self._counts.clear()
        self._newest.clear()
