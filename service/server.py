"""gunicorn, and all of its settings."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from service.problem_worker import ProblemWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The address of the service, its worker processes and the threads of each."""

    address: str = "127.0.0.1:8080"
    workers: int = 1
    threads: int = 4


def options(binding: Binding) -> dict[str, Any]:
    """Gunicorn's settings. Requests are logged by the service, so gunicorn's access log is off."""
    return {
        "bind": binding.address,
        "workers": binding.workers,
        "threads": binding.threads,
        "worker_class": ProblemWorker,
        "keepalive": 620,  # longer than load balancers keep idle connections
        "timeout": 30,
        "graceful_timeout": 20,
        "limit_request_line": 1_024,
        "limit_request_fields": 64,
        "limit_request_field_size": 4_096,
        "control_socket_disable": True,
        "proc_name": "ontem serve",
        "loglevel": "warning",
    }


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, which calls `make_app` in each worker after the fork."""

    def __init__(self, make_app: Callable[[], Flask], settings: dict[str, Any]) -> None:
        self._make_app, self._settings = make_app, settings
        super().__init__()

    def load_config(self) -> None:
        """Use exactly the given settings: no file and no environment variable changes them."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker.

        Everything in memory by now lives as long as the worker. Freezing it keeps the garbage
        collector, which runs in the middle of requests, from looking through it again.
        """
        application = self._make_app()
        gc.collect()
        gc.freeze()
        return application


def wall_clock_us() -> int:
    """Epoch microseconds by this machine's clock."""
    return time.time_ns() // 1000
