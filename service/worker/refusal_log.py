"""What the loop refused, as lines of the log that are few however many clients there are."""

from collections import Counter

from service import log
from service.worker.refusals import Refused, status_and_name


class RefusalLog:
    """Counts refusals by status and kind, and writes one line for each kind when it is told to."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str]] = Counter()

    def count(self, error: Refused) -> None:
        """Count one refusal."""
        self._counts[status_and_name(error)] += 1

    def write(self) -> None:
        """Write what was refused since the last call."""
        for (status, name), count in self._counts.items():
            log.info("refused without a thread", status=status, error=name, count=count)
        self._counts.clear()
