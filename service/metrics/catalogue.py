"""All metrics that a process counts by itself; docs/operations.md lists them.

No label is a merchant, an order or anything that a client sent: each has a bounded set of values,
so that the number of series is bounded, too. What concerns one merchant is in PostgreSQL.
"""

from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from features_pkg.definitions.missing import DISTANT, RECENT
from stores.policy import Decision

Stage = Literal["wait", "body", "key", "past", "vector", "score", "store"]
"""The stages of an evaluation, in their order; `wait` is for a thread, `past` is both pasts."""

SECONDS: Final = (
    *(0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.17, 0.25, 0.5, 1.0, 2.5),
)
"""From half a millisecond; 150 ms is the deadline, and 20 ms beyond it an answer is late."""

SCORES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, *(step / 20 for step in range(1, 20)))
"""A score is a share of fraud, so most are below 0.05."""


class Metrics:
    """The metrics of one process, all of which stand in one registry."""

    def __init__(self) -> None:
        """Make all of them, and those of their series that are known beforehand, at 0."""
        self.registry = CollectorRegistry()
        self.request_seconds = self._histogram(
            "ontem_request_seconds",
            "Seconds from when a request is whole until its answer is written.",
            "endpoint",
        )
        stages = self._histogram(
            "ontem_stage_seconds", "Seconds that one stage of an evaluation took.", "stage"
        )
        self.stages: Final = {stage: stages.labels(stage) for stage in get_args(Stage)}
        self.scores = Histogram(
            "ontem_score",
            "Scores of evaluations, 0 to 1.",
            buckets=SCORES,
            registry=self.registry,
        )
        self.answers = self._counter(
            "ontem_answers", "Answers by path and status.", "endpoint", "status"
        )
        self.refusals = self._counter("ontem_refusals", "Refused requests by problem.", "code")
        self.decisions = self._counter(
            "ontem_decisions",
            "Decisions on orders; by `policy` are those without a score.",
            "decision",
            "basis",
        )
        self.missing_parts = self._counter(
            "ontem_missing_parts", "Parts of the past that an evaluation lacked.", "part"
        )
        self.failures = self._counter(
            "ontem_failures", "Why an evaluation lacked something.", "part", "reason"
        )
        self.replays = self._counter(
            "ontem_replays", "Evaluations whose order already had a stored answer."
        )
        self.unrecorded = self._counter(
            "ontem_unrecorded", "Evaluations answered with `recorded` false."
        )
        self.stale = self._counter(
            "ontem_stale", "Evaluations by a snapshot that is older than the due one."
        )
        self.hot_entities = self._gauge(
            "ontem_hot_entities", "Hot entities that the processes hold."
        )
        self.hot_bytes = self._gauge("ontem_hot_bytes", "Bytes that these take.")
        self.hot_builds = self._counter(
            "ontem_hot_builds",
            "Hot entities that were read: `new`, or what `grown` ones did.",
            "kind",
        )
        self.hot_drops = self._counter(
            "ontem_hot_drops", "Hot entities that are held no more, by why.", "cause"
        )
        self.dropped_log_lines = self._counter(
            "ontem_log_lines_dropped",
            "Log lines that were not written: too many, or the output takes no more.",
            "cause",
        )
        self.processes = self._gauge("ontem_processes", "Processes that answer requests.")
        self.breakers = self._gauge(
            "ontem_breakers", "Processes by the state of their breaker.", "store", "state"
        )
        self.connections = self._gauge(
            "ontem_store_connections",
            "Connections of all processes to a store: `ready`, `taken`, and those `wanted`.",
            "store",
            "state",
        )
        self.requests = self._gauge(
            "ontem_requests_unfinished", "Requests that wait for a thread or have one.", "lane"
        )
        self.clients = self._gauge("ontem_client_connections", "Connections of clients.")

        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Make what is watched for its first event: a series that begins at 1 has not risen."""
        for decision in get_args(Decision):
            for basis in ("score", "policy"):
                self.decisions.labels(decision, basis)
        for cause in ("rate", "output"):
            self.dropped_log_lines.labels(cause)
        for part in (DISTANT, RECENT):
            self.missing_parts.labels(part)
        self.failures.labels(RECENT, "hot")
        for kind in ("new", "grown"):
            self.hot_builds.labels(kind)
        for cause in ("import", "transaction", "generation", "room"):
            self.hot_drops.labels(cause)
        for code in (
            *("overloaded", "rate_limited"),
            *("store_unavailable", "model_outdated", "internal_error"),
        ):
            self.refusals.labels(code)

    def _histogram(self, name: str, text: str, label: str) -> Histogram:
        return Histogram(name, text, (label,), buckets=SECONDS, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A gauge whose value is the sum of those of the processes that live."""
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode="livesum")
