"""The head of a request: found in the bytes that have come so far, and parsed by gunicorn."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    LimitRequestHeaders,
    NoMoreData,
    ParseException,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from service.request_headers import REQUEST_ID_HEADER, request_id

MOST_HEAD_BYTES: Final = 32_768
"""More than clients and proxies send; gunicorn's own bound, 64 headers of 4,096, is 262 kB."""

_END: Final = b"\r\n\r\n"
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")


class OtherServerAsked(ParseException):  # type: ignore[misc]
    """A request line has more than a path, as for a proxy: what it names may be another server."""


@dataclass(frozen=True)
class Head:
    """Request line and headers, as gunicorn's parser accepted them."""

    request: Any
    """gunicorn's own object of the request, from which it makes the WSGI environment."""
    headers: dict[str, str]
    """By upper-case name; a header that was sent twice has both values, with a comma between."""

    @property
    def method(self) -> str:
        """Such as `POST`."""
        return str(self.request.method)

    @property
    def path(self) -> str:
        """The path as it was sent: percent-encoded, without the query."""
        return str(self.request.path)

    @property
    def client_address(self) -> str:
        """Of the client or of the proxy before it, without a port; empty on a unix socket."""
        peer = self.request.peer_addr
        return str(peer[0]) if peer else ""

    @cached_property
    def request_id(self) -> str:
        """The id that its client gave the request, else one of our own."""
        return request_id(self.headers.get(REQUEST_ID_HEADER.upper()))

    @property
    def is_chunked(self) -> bool:
        """Whether the length of the body is not known before the body has come."""
        return isinstance(self.request.body.reader, ChunkedReader)

    @property
    def length(self) -> int | None:
        """The length of the body by `Content-Length`; None without that header."""
        length = self.headers.get("CONTENT-LENGTH")
        return None if length is None else int(length)

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return bool(self.request._expected_100_continue)

    @property
    def is_last(self) -> bool:
        """Whether the client wants its connection closed after the answer."""
        return bool(self.request.should_close())


def end_of_head(content: bytearray, scanned: int, longest_line: int) -> int | None:
    """How many of these bytes the parser needs to accept or refuse the head; None if it needs more.

    The first `scanned` bytes were looked at before. Raises LimitRequestHeaders.
    """
    end = content.find(_END, max(0, scanned - len(_END) + 1))
    length = len(content) if end < 0 else end + len(_END)
    if length > MOST_HEAD_BYTES:
        raise LimitRequestHeaders(f"more than {MOST_HEAD_BYTES} bytes")
    if end >= 0 or _BARE_LF.search(content, scanned):
        return length
    # The first line may follow an empty one, and ends with two bytes.
    is_too_long = length > longest_line + 4 and content.find(b"\r\n", 2, longest_line + 4) < 0
    return length if is_too_long else None


def parse(content: bytes, settings: Any, peer: Any, number: int) -> Head:
    """The head in `content`, the `number`th of its connection. Raises gunicorn's ParseException."""
    try:
        request = Request(settings, IterUnreader([content]), peer, number)
    except (NoMoreData, StopIteration) as cause:
        raise ParseException("the head has no end") from cause
    if not request.uri.startswith(("/", "*")):
        raise OtherServerAsked
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    options = headers.get("CONNECTION", "").lower().split(",")
    if "close" in (option.strip(" \t") for option in options):  # gunicorn looks for it alone
        request.force_close()
    return Head(request, headers)
