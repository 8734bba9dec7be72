"""The answer to `GET /metrics`: what all processes of the service have counted, and what is now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.metrics import metering
from service.shared_status import Status

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Page:
    """Metrics as text, for Prometheus to read.

    What all processes share is asked for each page; it takes as long as `/statusz` and one check of
    `/readyz`. It is the same whichever process answers.
    """

    status: Callable[[], Status]
    clock_skew_us: Callable[[], int | None]

    def text(self) -> bytes:
        """The whole page."""
        folder = metering.shared_folder()
        if folder is None:
            registry = metering.metrics().registry
            return generate_latest(registry) + generate_latest(_registry_of(self._now()))
        return _shared(folder) + generate_latest(_registry_of(self._now()))

    def _now(self) -> "StateCollector":
        return StateCollector(self.status(), self.clock_skew_us())


def _shared(folder: Path) -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _registry_of(collector: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry


@dataclass(frozen=True, slots=True, eq=False)
class StateCollector(Collector):
    """What is so at this instant, for all processes."""

    status: Status
    clock_skew_us: int | None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges; one whose value is not known has no sample."""
        served = self.status.served
        build = GaugeMetricFamily(
            "ontem_build_info",
            "The program and the model that serve; always 1.",
            labels=("version", "commit", "model", "feature_set"),
        )
        build.add_metric((served.version, served.commit, served.model, served.feature_set), 1)
        yield build
        states = GaugeMetricFamily(
            "ontem_state_ok",
            "Whether a thing that all processes share is ok, as /statusz says; else 0.",
            labels=("thing",),
        )
        for thing, state in self.status.states.items():
            states.add_metric((thing,), state.state == "ok")
        yield states
        snapshot = served.snapshot
        yield _gauge(
            "ontem_snapshot_age_days",
            "Civil days since the day of the snapshot that is read.",
            snapshot.age_days,
        )
        yield _gauge(
            "ontem_snapshot_stale_days",
            "Days by which that snapshot is older than the one that is due.",
            snapshot.stale_days,
        )
        skew = None if self.clock_skew_us is None else self.clock_skew_us / 1e6
        yield _gauge(
            "ontem_clock_skew_seconds",
            "By how much this machine's clock is ahead of PostgreSQL's; negative is behind.",
            skew,
        )


def _gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, text)
    if value is not None:
        gauge.add_metric((), value)
    return gauge
