"""gunicorn, and all of its settings."""

import gc
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from service.clock import MachineClocks
from service.drain import Drain
from service.gunicorn_log import GunicornLog
from service.metrics import metering
from service.metrics.files import SharedCounts
from service.metrics.gauges import LoopState
from service.worker.gate import Gate, OpenGate
from service.worker.worker import LoopWorker

THREADS: Final = 4
WAITING_PER_THREAD: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The address of the service, its worker processes and the threads of each."""

    address: str = "127.0.0.1:8080"
    workers: int = 1
    threads: int = THREADS
    connections: int = 1_000
    """The clients of one process at the same time, if it may open twice as many files."""


def options(binding: Binding) -> dict[str, Any]:
    """Gunicorn's settings. Requests are logged by the service, so gunicorn's access log is off."""
    return {
        "bind": binding.address,
        "workers": binding.workers,
        "threads": binding.threads,
        "worker_class": LoopWorker,
        "worker_connections": binding.connections,
        "keepalive": 620,  # longer than load balancers keep idle connections
        "timeout": 30,  # of the loop, which never waits; a thread that hangs does not stop it
        "graceful_timeout": 20,  # far more than a client may take to send and a request to be done
        "limit_request_line": 2_048,  # a path and an order's id, percent-encoded
        "limit_request_fields": 64,
        "limit_request_field_size": 4_096,
        # No header changes the path that was checked, or the scheme, for which nothing here asks.
        # So none is believed from anybody, and no head needs its client's address looked up.
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "forwarded_allow_ips": "*",
        "header_map": "refuse",  # X_Forwarded_For would be X-Forwarded-For to whoever reads both
        "control_socket_disable": True,  # nobody needs it, and it would accept commands
        "proc_name": "ontem serve",
        "logger_class": GunicornLog,
        "loglevel": "warning",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How a worker meets its clients."""

    waiting: int = THREADS * WAITING_PER_THREAD
    """How many requests may wait for a thread; more get a 503."""
    time_limit: float = inf
    """How many seconds a request may take, from when it is whole."""
    client_seconds: float = 5.0
    """How long a client may take for a head, for a body, and to take an answer; for each."""
    make_gate: Callable[[Flask], Gate] = lambda _: OpenGate()
    """Makes the checks of the heads of requests, for the application of a worker."""
    observe: Callable[[Flask, LoopState], None] = lambda _app, _state: None
    """Called about once a second by the loop of each worker, which it must not hold up."""
    is_draining: Callable[[], bool] = lambda: False
    """Whether the service stops soon; connections then end with their next answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What a server does at its signals besides what gunicorn does."""

    reload: Callable[[], None]
    """Called at HUP, before the processes are replaced."""
    drain: Drain
    drain_time: timedelta
    """How long the service still answers after a TERM, and says that it is not ready."""


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, which calls `make_app` in each worker after the fork."""

    def __init__(
        self,
        make_app: Callable[[], Flask],
        settings: dict[str, Any],
        lifecycle: Lifecycle,
        front: Front,
        counts: SharedCounts | None = None,
    ) -> None:
        self._make_app, self._settings, self._lifecycle = make_app, settings, lifecycle
        self.front, self._counts = front, counts
        super().__init__()

    def load_config(self) -> None:
        """Use exactly the given settings: no file and no environment variable changes them."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)
        if self._counts is not None:
            self._share(self._counts)

    def _share(self, counts: SharedCounts) -> None:
        """Have each worker count in files of its own, which its siblings can read."""

        def begin(_: Arbiter, worker: LoopWorker) -> None:
            worker.counts_slot = counts.begin()

        def share(_: Arbiter, worker: LoopWorker) -> None:
            if worker.counts_slot is not None:
                metering.share(counts.folder, worker.counts_slot)

        def end(_: Arbiter, worker: LoopWorker) -> None:
            if worker.counts_slot is not None:
                counts.end(worker.counts_slot)

        def close(_: Arbiter) -> None:
            counts.close()

        hooks = {"pre_fork": begin, "post_fork": share, "child_exit": end, "on_exit": close}
        for name, hook in hooks.items():
            self.cfg.set(name, hook)

    def load(self) -> Flask:
        """The application of one worker.

        Everything in memory by now lives as long as the worker. Freezing it keeps the garbage
        collector, which runs in the middle of requests, from looking through it again.
        """
        application = self._make_app()
        gc.collect()
        gc.freeze()
        return application

    def reload(self) -> None:
        """Prepare for the workers that a HUP makes; the old ones answer until those are there."""
        super().reload()
        self._lifecycle.reload()

    def run(self) -> None:
        """Serve until a signal ends it."""
        DrainingArbiter(self, self._lifecycle).run()


class DrainingArbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's master process, which at the first TERM is not ready any more before it stops."""

    def __init__(self, app: Server, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._stops_at: float | None = None
        super().__init__(app)

    def handle_term(self) -> None:
        """Begin to drain; at a second TERM, or when draining is over, stop."""
        if self._stops_at is None and self._lifecycle.drain_time:
            self._stops_at = time.monotonic() + self._lifecycle.drain_time.total_seconds()
            self._lifecycle.drain.begin()
            return
        super().handle_term()

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """The signals since the last call, with a TERM when draining is over."""
        signals: list[int] = super().wait_for_signals(timeout)
        if self._stops_at is not None and time.monotonic() >= self._stops_at:
            signals.append(signal.SIGTERM)
        return signals


def machine_clocks() -> MachineClocks:
    """The clocks of this machine; the monotonic one also counts the time that it sleeps."""
    monotonic = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return MachineClocks(
        wall_us=lambda: time.time_ns() // 1_000,
        monotonic_us=lambda: time.clock_gettime_ns(monotonic) // 1_000,
    )
