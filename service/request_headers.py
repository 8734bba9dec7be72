"""The headers that requests and answers of every path have."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from service.errors import IdempotencyKeyRefused, VersionRefused

REQUEST_ID_HEADER: Final = "X-Request-Id"
VERSION_HEADER: Final = "Ontem-Version"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"

VERSION: Final = "2026-11-26"
"""The day of the interface: it changes when something that merchants rely on does."""

REQUEST_ID: Final = "ontem.request_id"
"""The key of a request's id in its WSGI environment, if the server has given it one."""

REQUEST_ID_FORM: Final = r"^(?=.*[A-Za-z])[A-Za-z0-9._-]{8,64}$"
"""An id has a letter, so that no number of a person or a card is one."""

IDEMPOTENCY_KEY_FORM: Final = r"^[!-+\--~]{1,255}$"
"""Visible ASCII without the comma, which servers put between two headers of one name."""

_request_id: Final = re.compile(REQUEST_ID_FORM)
_idempotency_key: Final = re.compile(IDEMPOTENCY_KEY_FORM)


def request_id(sent: str | None) -> str:
    """The id that the client sent, if it has the form of one, else a new one."""
    if sent is not None and _request_id.fullmatch(sent):
        return sent
    return uuid.uuid4().hex


def environ_key(header: str) -> str:
    """The key of a header in a WSGI environment; not of Content-Type and Content-Length."""
    return "HTTP_" + header.upper().replace("-", "_")


_SENT_ID: Final = environ_key(REQUEST_ID_HEADER)


def id_in(environ: Mapping[str, Any]) -> str:
    """The id that the server gave a request, else its client's, or a new one."""
    given = environ.get(REQUEST_ID)
    return str(given) if given else request_id(environ.get(_SENT_ID))


def answer_headers(its_request_id: str) -> dict[str, str]:
    """What every answer has, whoever gives it."""
    return {REQUEST_ID_HEADER: its_request_id, VERSION_HEADER: VERSION}


def check_version(sent: str | None) -> None:
    """Raise VersionRefused if a request asks for another version of the interface."""
    if sent not in (None, VERSION):
        raise VersionRefused(VERSION)


def check_idempotency_key(sent: str | None) -> None:
    """Raise IdempotencyKeyRefused if a key was sent that does not have the form of one."""
    if sent is not None and not _idempotency_key.fullmatch(sent):
        raise IdempotencyKeyRefused
