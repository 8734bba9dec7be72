"""A slow application under the service's worker: `python -m tests.e2e.slow_app --bind ADDRESS`."""

import sys
import time
from datetime import timedelta

from flask import Flask, request

from service.drain import Drain
from service.received import received_at
from service.server import Binding, Front, Lifecycle, Server, options

SECONDS = 1.0


def slow_app() -> Flask:
    """An application that takes its time, and says how long each request had waited before."""
    app = Flask("slow", static_folder=None)

    @app.post("/")
    def say_how_long() -> str:
        waited = time.monotonic() - received_at(request.environ)
        time.sleep(SECONDS)
        return str(waited)

    @app.get("/")
    def send_what_http_forbids() -> tuple[str, dict[str, str]]:
        return "529.982.247-25", {"X-Broken": "é\x7f"}

    @app.delete("/")
    def end_the_thread() -> str:
        raise SystemExit

    return app


if __name__ == "__main__":
    lifecycle = Lifecycle(reload=lambda: None, drain=Drain(), drain_time=timedelta())
    binding = Binding(address=sys.argv[2], threads=1)
    Server(slow_app, options(binding), lifecycle, Front()).run()
