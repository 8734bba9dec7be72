"""One JSON line per request and per failure, few enough to be written, and never waited for.

Of what a merchant sent a line has the request's id at most, which holds no number of a person.
"""

import json
from contextvars import ContextVar
from typing import Final

import msgspec

from service.log_lines import Lines, RateLimit
from service.metrics import metering

_SEVERITIES: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_STANDARD_OUTPUT: Final = 1
_STANDARD_ERROR: Final = 2

ERRORS_PER_SECOND: Final = 10
"""Lines of one event, such as `store failed`, that a process writes in a second."""
OTHERS_PER_SECOND: Final = 2_000
"""More than the requests that a process can answer."""

_encode = msgspec.json.Encoder().encode
_errors, _others = RateLimit(ERRORS_PER_SECOND), RateLimit(OTHERS_PER_SECOND)
_lines = Lines(_STANDARD_ERROR)
_least_severity = _SEVERITIES["WARNING"]

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request that this thread answers; its lines have it."""


def configure(level: str) -> None:
    """Write the lines of this process to standard output, those of `level` and above."""
    global _lines, _least_severity
    _lines, _least_severity = Lines(_STANDARD_OUTPUT), _SEVERITIES[level]


def info(event: str, **values: object) -> None:
    """Write what happened as one line; `values` are our own ids and numbers."""
    _write("INFO", event, _others, values)


def error(event: str, **values: object) -> None:
    """Write what went wrong as one line; `values` are our own ids, class names and file names."""
    _write("ERROR", event, _errors, values)


def _write(level: str, event: str, limit: RateLimit, values: dict[str, object]) -> None:
    if _SEVERITIES[level] < _least_severity:
        return
    dropped = limit.admit(event)
    if dropped is None:
        metering.log_line_dropped("rate")
        return
    line: dict[str, object] = {"level": level, "event": event}
    if its_request := request_id.get():
        line["request_id"] = its_request
    line |= values
    if dropped:
        line["dropped_before"] = dropped
    if not _lines.write(_one_line(line)):
        metering.log_line_dropped("output")


def _one_line(values: dict[str, object]) -> bytes:
    """`values` as ASCII without any control character, so that no value ends or colours a line."""
    content = _encode(values)
    if content.isascii() and b"\x7f" not in content:
        return content + b"\n"
    text = json.dumps(msgspec.json.decode(content), separators=(",", ":"))
    return text.replace("\x7f", "\\u007f").encode() + b"\n"
