"""One JSON line per request and per failure, with nothing that a buyer or merchant sent."""

import logging
import sys

import msgspec

_logger = logging.getLogger("ontem.service")
_encode = msgspec.json.Encoder().encode


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
        line = {"level": logging.getLevelName(level), "event": event, **values}
        _logger.log(level, "%s", _encode(line).decode())
