"""The bytes of a request's body, if they are declared as JSON and not too many."""

from typing import IO, Final

from flask import Request
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]

from service.errors import BodyTooLarge, BodyUnreadable, MediaTypeRefused

JSON: Final = "application/json"
MAX_BYTES: Final = 65_536
MAX_DISCARDED_BYTES: Final = 32 * 1_024 * 1_024
"""How much of a body that is too large is read before the connection is given up."""


def read(request: Request) -> bytes:
    """The body of a request that declares plain UTF-8 JSON.

    Raises:
        MediaTypeRefused: another media type or charset is declared, or a compression.
        BodyTooLarge: the body has more than MAX_BYTES.
        BodyUnreadable: the body is chunked in a way that HTTP does not allow.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != JSON or charset not in ("utf-8", "utf8"):
        raise MediaTypeRefused
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MediaTypeRefused
    try:
        content = request.stream.read(MAX_BYTES + 1)
        if len(content) <= MAX_BYTES:
            return content
        _discard(request.stream)
    except (ParseException, NoMoreData):  # NoMoreData: the client stopped before the last chunk
        raise BodyUnreadable("the chunks of the body are not as HTTP defines them") from None
    raise BodyTooLarge(MAX_BYTES)


def _discard(stream: IO[bytes]) -> None:
    """Read what a client is still sending, so that it sees the refusal and not a broken pipe."""
    remaining = MAX_DISCARDED_BYTES
    while remaining > 0 and (chunk := stream.read(MAX_BYTES)):
        remaining -= len(chunk)
