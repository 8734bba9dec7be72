"""One JSON line per request and per failure.

Of what a merchant sent a line has the request's id at most, which holds no number of a person.
"""

import logging
import sys
from contextvars import ContextVar
from typing import Final

import msgspec

_logger = logging.getLogger("ontem.service")
_encode = msgspec.json.Encoder().encode

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request that this thread answers; its lines have it."""


def configure(level: str) -> None:
    """Write the lines of this process to standard output, those of `level` and above."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _logger.handlers = [handler]
    _logger.propagate = False
    _logger.setLevel(level)


def info(event: str, **values: object) -> None:
    """Write what happened as one line; `values` are our own ids and numbers."""
    _write(logging.INFO, event, values)


def error(event: str, **values: object) -> None:
    """Write what went wrong as one line; `values` are our own ids, class names and file names."""
    _write(logging.ERROR, event, values)


def _write(level: int, event: str, values: dict[str, object]) -> None:
    if _logger.isEnabledFor(level):
        line: dict[str, object] = {"level": logging.getLevelName(level), "event": event}
        if its_request := request_id.get():
            line["request_id"] = its_request
        line |= values
        _logger.log(level, "%s", _encode(line).decode())
