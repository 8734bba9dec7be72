"""Questions to PostgreSQL that are given up when the answer takes too long.

No setting of a session bounds the wait for a server that is frozen. So one thread of the process
does the waiting, and whoever asked goes on without an answer.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")
_Question = tuple["Future[Any]", Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Pending(Generic[Answer]):
    """A question that was asked, and until when its answer is waited for."""

    future: "Future[Answer]"
    until: float

    def answer(self, otherwise: Answer) -> Answer:
        """The answer, or `otherwise` if there is none in time. Raises what the question raises."""
        try:
            return self.future.result(max(0.0, self.until - time.monotonic()))
        except TimeoutError:
            self.future.cancel()  # if it waits behind one that hangs, it is never asked
            return otherwise


class Asker:
    """Asks in a thread of its own, one question after the other; the first one starts the thread.

    While a question hangs, all later ones go without an answer as well.
    """

    def __init__(self, limit: timedelta) -> None:
        self.limit = limit
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """The answer, or `otherwise` when there is none within the limit. Raises what it raises."""
        return self.begin(question).answer(otherwise)

    def begin(self, question: Callable[[], Answer]) -> Pending[Answer]:
        """Ask without waiting. The limit counts from now."""
        self._start()
        future: Future[Answer] = Future()
        self._questions.put((future, question))
        return Pending(future, time.monotonic() + self.limit.total_seconds())

    def close(self) -> None:
        """End the thread, unless it hangs: then it ends when the server answers."""
        self._questions.put(None)
        if self._thread is not None:
            self._thread.join(self.limit.total_seconds())

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._answer, daemon=True)
                self._thread.start()

    def _answer(self) -> None:
        while (asked := self._questions.get()) is not None:
            future, question = asked
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(question())
            except Exception as error:  # noqa: BLE001  raised where it was asked
                future.set_exception(error)
