"""What the rest of the service counts and measures, for all threads of a process.

Like the log it is there from the start, in memory. A worker process of `ontem serve` counts in
files that it shares with its siblings, from when it calls `share`.
"""

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import values

from service.evaluation_answer import EvaluationAnswer
from service.metrics.catalogue import Metrics, Stage
from service.metrics.causes import part_and_reason, reason

_metrics = Metrics()
_folder: Path | None = None


def share(folder: Path, slot: int) -> None:
    """Count in the files of `folder` that are this process's by its slot; called after the fork."""
    global _metrics, _folder
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    shared_value = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
    values.ValueClass = shared_value
    _metrics, _folder = Metrics(), folder
    _metrics.processes.set(1)


def metrics() -> Metrics:
    """The metrics of this process."""
    return _metrics


def shared_folder() -> Path | None:
    """Where this process and its siblings count; None when it counts for itself."""
    return _folder


def stage(name: Stage) -> AbstractContextManager[Any]:
    """Measures what is done inside as one stage of an evaluation."""
    return _metrics.stages[name].time()


def waited(received_at: float) -> None:
    """Measure how long a request that is now begun has waited for its thread."""
    _metrics.stages["wait"].observe(time.monotonic() - received_at)


def answered(endpoint: str | None, status: int, received_at: float) -> None:
    """Count an answer of the application, and measure how long its request took."""
    endpoint = endpoint or "none"
    _metrics.answers.labels(endpoint, status).inc()
    _metrics.request_seconds.labels(endpoint).observe(time.monotonic() - received_at)


def refused(code: str) -> None:
    """Count a request that was refused with this problem."""
    _metrics.refusals.labels(code).inc()


class Outcome(Protocol):
    """What came of an evaluation."""

    @property
    def answer(self) -> EvaluationAnswer:
        """The answer."""

    @property
    def replayed(self) -> bool:
        """Whether an earlier request stored it."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it lacks something."""


def evaluated(outcome: Outcome) -> None:
    """Count an evaluation, and what it lacked; one that was done before only as a replay."""
    if outcome.replayed:
        _metrics.replays.inc()
        return
    answer = outcome.answer
    if answer.score is None:
        _metrics.decisions.labels(answer.decision, "policy").inc()
    else:
        _metrics.decisions.labels(answer.decision, "score").inc()
        _metrics.scores.observe(answer.score)
    if answer.stale:
        _metrics.stale.inc()
    if not answer.recorded:
        _metrics.unrecorded.inc()
    for part in answer.missing:
        _metrics.missing_parts.labels(part).inc()
    for failure in outcome.failures:
        _metrics.failures.labels(*part_and_reason(failure)).inc()


def log_line_dropped(cause: str) -> None:
    """Count a line of the log that was not written."""
    _metrics.dropped_log_lines.labels(cause).inc()


def not_stored(cause: BaseException) -> None:
    """Count an evaluation that was refused because it could not be stored."""
    _metrics.failures.labels("store", reason(type(cause).__name__)).inc()
