"""The head of a request is found in whatever pieces it comes, and refused as early as can be."""

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from hypothesis import given
from hypothesis import strategies as st

from service.server import Binding, options
from service.worker.head import MOST_HEAD_BYTES, end_of_head, parse
from service.worker.request_settings import RequestSettings

LONGEST_LINE = options(Binding())["limit_request_line"]


def settings() -> Config:
    made = Config()
    for name, value in options(Binding()).items():
        made.set(name, value)
    return made


SETTINGS = RequestSettings(settings())


def test_no_setting_reads_otherwise_than_gunicorn_s_own():
    configured = settings()
    networks = configured.forwarded_allow_networks()

    assert SETTINGS.forwarded_allow_networks() == networks
    for name in (*configured.settings, "is_ssl", "ssl_options", "address"):
        assert getattr(SETTINGS, name) == getattr(configured, name)


@pytest.mark.parametrize("peer", [("127.0.0.1", 1), ("10.0.0.9", 1), ("fe80::1%eth0", 1, 0, 2), ""])
def test_no_header_tells_the_service_who_asks_or_how(peer: object):
    head = parse(
        b"POST /evaluate HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Ssl: off\r\nScript-Name: /evaluate\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
        SETTINGS,
        peer,
        1,
    )

    assert (head.request.scheme, head.path) == ("http", "/evaluate")
    assert head.client_address == (peer[0] if peer else "")  # type: ignore[index]


@pytest.mark.parametrize(
    ("headers", "is_last"),
    [
        ("", False),
        ("Connection: keep-alive", False),
        ("Connection: closed, TE", False),
        ("Connection: Close", True),
        ("Connection: TE,\tclose ", True),
        ("Connection: keep-alive\r\nConnection: close", True),
    ],
)
def test_a_client_that_says_close_among_other_things_has_its_connection_closed(
    headers: str, *, is_last: bool
):
    lines = f"GET /livez HTTP/1.1\r\nHost: a\r\n{headers}".strip() + "\r\n\r\n"

    assert parse(lines.encode(), SETTINGS, ("127.0.0.1", 1), 1).is_last is is_last


def in_pieces(content: bytes, cuts: list[int]) -> tuple[int | None, int]:
    """What `end_of_head` says first, and after how many bytes, when `content` comes in pieces."""
    scanned = 0
    for end in [*sorted(cut for cut in cuts if cut <= len(content)), len(content)]:
        found = end_of_head(bytearray(content[:end]), scanned, LONGEST_LINE)
        if found is not None:
            return found, end
        scanned = end
    return None, len(content)


@given(st.lists(st.integers(0, 60)))
def test_the_end_is_found_in_any_pieces(cuts: list[int]):
    head = b"POST /evaluate HTTP/1.1\r\nHost: a\r\n\r\n"

    found, _ = in_pieces(head + b'{"order_id": 1}\r\n\r\n', cuts)

    assert found == len(head)


@pytest.mark.parametrize(
    "content",
    [b"", b"\r", b"\r\n", b"\r\nGET", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\r\nA: b\r\n\r"],
)
def test_what_may_become_a_head_is_waited_for(content: bytes):
    assert in_pieces(content, list(range(len(content)))) == (None, len(content))


@given(st.lists(st.integers(0, 60)))
def test_a_line_feed_alone_is_refused_without_waiting_for_more(cuts: list[int]):
    content = b"GET / HTTP/1.1\r\nHost: a\n\n"
    found, _ = in_pieces(content, cuts)

    assert found is not None
    with pytest.raises(ParseException):
        parse(content[:found], SETTINGS, ("127.0.0.1", 1), 1)


@pytest.mark.parametrize("start", [b"", b"\r\n"])
def test_a_line_that_is_too_long_is_refused_without_waiting_for_its_end(start: bytes):
    content = start + b"GET /" + b"x" * 2 * LONGEST_LINE
    found, bytes_read = in_pieces(content, list(range(len(content))))

    assert found is not None
    assert bytes_read <= len(start) + LONGEST_LINE + 5
    with pytest.raises(LimitRequestLine):
        parse(content[:found], SETTINGS, ("127.0.0.1", 1), 1)


@pytest.mark.parametrize("start", [b"", b"\r\n"])
def test_the_longest_line_is_taken(start: bytes):
    line = b"GET /".ljust(LONGEST_LINE - len(b" HTTP/1.1"), b"x") + b" HTTP/1.1"
    content = start + line + b"\r\n\r\n"

    assert in_pieces(content, list(range(len(content)))) == (len(content), len(content))
    assert parse(content, SETTINGS, ("127.0.0.1", 1), 1).path.startswith("/xxx")


def test_a_head_that_is_too_long_is_refused_before_its_end():
    content = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * MOST_HEAD_BYTES

    with pytest.raises(LimitRequestHeaders):
        end_of_head(bytearray(content), 0, LONGEST_LINE)


def test_a_header_that_is_sent_twice_has_both_values():
    head = parse(
        b"GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", SETTINGS, ("", 1), 1
    )

    assert head.headers["AUTHORIZATION"] == "a,b"
