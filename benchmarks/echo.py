"""A bare Flask echo under the service's own gunicorn settings: `python -m benchmarks.echo BIND`."""

import sys
from datetime import timedelta

from flask import Flask, Response, request

from service.drain import Drain
from service.server import Binding, Front, Lifecycle, Server, options


def echo() -> Flask:
    """An application that answers with the body that it gets."""
    app = Flask("echo", static_folder=None)

    @app.post("/evaluate")
    def send_back() -> Response:
        return Response(request.get_data(), content_type="application/json")

    return app


if __name__ == "__main__":
    lifecycle = Lifecycle(reload=lambda: None, drain=Drain(), drain_time=timedelta())
    Server(echo, options(Binding(address=sys.argv[1])), lifecycle, Front()).run()
