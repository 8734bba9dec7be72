"""gunicorn around the application: its settings are here and nowhere else."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Where and with how much the service answers."""

    address: str = "127.0.0.1:8080"
    workers: int = 1
    threads: int = 4


def options(binding: Binding) -> dict[str, Any]:
    """Gunicorn's settings. Requests are logged by the service, so gunicorn's access log is off."""
    return {
        "bind": binding.address,
        "workers": binding.workers,
        "threads": binding.threads,
        "worker_class": "gthread",
        "keepalive": 620,  # longer than what load balancers keep an idle connection for
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
    """gunicorn, which calls `make` in each worker after the fork."""

    def __init__(self, make: Callable[[], Flask], settings: dict[str, Any]) -> None:
        self._make, self._settings = make, settings
        super().__init__()

    def load_config(self) -> None:
        """Take the settings as they are: no file and no environment variable changes them."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker.

        What is there by now lives as long as the worker, so the garbage collector, which runs in
        the middle of requests, need never look through it again.
        """
        application = self._make()
        gc.collect()
        gc.freeze()
        return application


def wall_clock_us() -> int:
    """Epoch microseconds by this machine's clock."""
    return time.time_ns() // 1000
