"""When a store is not asked at all, because it did not answer the last few times."""

import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Final, Literal

FAILURES_TO_OPEN: Final = 5
FIRST_OPEN_SECONDS: Final = 0.1
LONGEST_OPEN_SECONDS: Final = 1.0
"""How long it is open before a probe: at first, and at most."""
FAIR_SECONDS: Final = 0.02
"""A store that is well answers within this time. One that had less has not failed."""

BreakerState = Literal["closed", "open", "half-open"]


class Admission(Enum):
    """As what a question was let through."""

    ORDINARY = "ordinary"
    PROBE = "probe"


class Breaker:
    """Lets questions to one store through, for all threads of a process.

    It is closed while the store answers. After FAILURES_TO_OPEN failures in a row it is open for
    FIRST_OPEN_SECONDS, and nobody asks. Then it is half-open: one question goes through, the probe,
    whatever number of threads ask. Its outcome closes the breaker, or opens it again for twice as
    long, up to LONGEST_OPEN_SECONDS. So a stall costs little more than it lasts, and a store that
    is away one slow request a second.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a closed one; `clock` is monotonic seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None
        self._open_seconds = FIRST_OPEN_SECONDS
        """For how long it opens next."""
        self._is_probing = False

    @property
    def state(self) -> BreakerState:
        """The state now."""
        with self._lock:
            if self._open_until is None:
                return "closed"
            return "open" if self._clock() < self._open_until else "half-open"

    @property
    def refuses(self) -> bool:
        """Whether a question would not be admitted now. To ask this costs no probe."""
        with self._lock:
            return self._open_until is not None and not self._may_probe(self._open_until)

    def admit(self) -> Admission | None:
        """As what a question may be asked now, None if it may not.

        Whoever is admitted calls `record` afterwards, whatever happens.
        """
        with self._lock:
            if self._open_until is None:
                return Admission.ORDINARY
            if not self._may_probe(self._open_until):
                return None
            self._is_probing = True
            return Admission.PROBE

    def record(
        self, admission: Admission, *, is_answered: bool, seconds_given: float = FAIR_SECONDS
    ) -> bool:
        """Note the outcome of a question; whether it was a probe that has failed.

        Any answer is one, also a refusal. A failure is a time-out or a lost connection, of a
        question that gave the store FAIR_SECONDS: else a few requests that began with little time
        would have nobody ask a store that is well. After a probe that gave less comes another one.
        While the breaker is not closed, only the outcome of the probe counts.
        """
        with self._lock:
            is_probe = admission is Admission.PROBE
            if not is_answered and seconds_given < FAIR_SECONDS:
                self._is_probing = self._is_probing and not is_probe
                return False
            if self._open_until is not None and not is_probe:
                return False
            if is_answered:
                self._failures, self._open_until, self._is_probing = 0, None, False
                self._open_seconds = FIRST_OPEN_SECONDS
                return False
            self._failures += 1
            if self._failures < FAILURES_TO_OPEN and not is_probe:
                return False
            self._open_until, self._is_probing = self._clock() + self._open_seconds, False
            self._open_seconds = min(self._open_seconds * 2, LONGEST_OPEN_SECONDS)
            return is_probe

    def _may_probe(self, open_until: float) -> bool:
        return not self._is_probing and self._clock() >= open_until
