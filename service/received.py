"""The instant at which a request was whole: from then on the client waits for the service."""

import time
from collections.abc import Mapping
from typing import Any, Final

RECEIVED: Final = "ontem.received"
"""The key of that instant, in seconds of the monotonic clock, in a request's WSGI environment."""


def received_at(environ: Mapping[str, Any]) -> float:
    """When the last byte of the request was there; now, if the server does not say."""
    instant = environ.get(RECEIVED)
    return time.monotonic() if instant is None else float(instant)
