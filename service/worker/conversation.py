"""What a worker does with what its clients send, step by step and never waiting."""

import io
import time
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from math import inf
from typing import Any, Final

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException

from service.errors import (
    BodyTooLarge,
    BodyUnreadable,
    KeyRefused,
    LengthRequired,
    Overloaded,
    RateLimited,
    RequestLate,
    ServiceError,
)
from service.request_content import JSON, MAX_BYTES
from service.request_headers import answer_headers, request_id
from service.worker.answer import Answer
from service.worker.clients import Clients
from service.worker.connection import (
    LINGER_SECONDS,
    MOST_DISCARDED,
    Connection,
    Patience,
    State,
)
from service.worker.gate import STRANGERS, Gate, Lane
from service.worker.head import Head, end_of_head, parse
from service.worker.pace import Paces
from service.worker.refusal_log import RefusalLog
from service.worker.refusals import CONTINUE, Refusal, Refused, whole_answer
from service.worker.threads import Threads

_OWED_AN_ANSWER: Final = (State.ANSWER, State.SENDING, State.TURN)
"""The client has sent all, and is still to get its answer."""


class Conversation:
    """The protocol of all connections of a worker.

    Each step raises OSError when its client is gone.
    """

    def __init__(
        self,
        *,
        clients: Clients,
        gate: Gate,
        lanes: Mapping[Lane, Threads[Connection]],
        settings: Any,
        patience: Patience,
        is_closing: Callable[[], bool],
    ) -> None:
        """`is_closing` says whether connections are to end with their next answer."""
        self._clients, self._gate, self._lanes = clients, gate, lanes
        self._settings, self._patience, self._is_closing = settings, patience, is_closing
        self.refusals, self.paces = RefusalLog(), Paces()
        self.unread: dict[Connection, None] = {}
        """Connections that sent the next request before the answer to the one before, in order.

        Each is here once: who sends thousands of requests ahead has one of them answered before
        all others have their turn, and not one more for each time that it was read.
        """
        self.given_back: deque[Connection] = deque()
        """Connections whose request is to be refused, because there is no room for it."""

    def read(self, connection: Connection) -> None:
        """Take what a client sent, and do what can be done with it."""
        content = connection.receive()
        if content is None:
            return
        if not content:
            connection.client_ended = True
            self._await_client(connection)
        elif connection.state is State.END:
            connection.body_length -= len(content)
            if connection.body_length <= 0:
                self._clients.drop(connection)
        else:
            connection.buffer += content
            self.advance(connection)

    def write(self, connection: Connection) -> None:
        """Send more of an answer that a client did not take at once."""
        connection.unsent = connection.send(connection.unsent)
        if not connection.unsent:
            self._sent(connection)

    def advance(self, connection: Connection) -> None:
        """Go on with the bytes that are there: at most up to the end of one request."""
        if connection.state is State.UNWANTED_BODY:
            dropped = connection.take(connection.body_length)
            connection.body_length -= len(dropped)
            if not connection.body_length:
                self._await_request(connection)
        if connection.state is State.REQUEST and connection.buffer:
            connection.wait(State.HEAD, time.monotonic() + self._patience.client)
        if connection.state is State.HEAD:
            self._read_head(connection)
        if connection.state is State.BODY and len(connection.buffer) >= connection.body_length:
            self._request_is_whole(connection)
        self._await_client(connection)

    def finished(self, connection: Connection, answer: Answer, unsent: bytes | None) -> None:
        """Go on after a thread's answer, of which `unsent` is left; None if the client is gone."""
        passed = connection.passed
        self._lanes[passed.lane].finished(passed.party)
        connection.ends = not answer.keep
        is_success = answer.status < HTTPStatus.BAD_REQUEST
        connection.was_served |= is_success
        connection.has_right_key |= is_success and passed.party == STRANGERS
        connection.wait(State.SENDING, time.monotonic() + self._patience.client)
        if unsent is None:
            self._clients.drop(connection)
        elif answer.status == HTTPStatus.UNAUTHORIZED:
            connection.has_right_key = False  # its key is right no more
            self._answer_refusal(connection, unsent, close=connection.ends)
        elif unsent:
            connection.unsent = unsent
        else:
            self._sent(connection)

    def shed(self, connection: Connection) -> None:
        """Refuse a request that had to wait so long for a thread that no thread begins with it."""
        passed = connection.passed
        self._lanes[passed.lane].finished(passed.party)
        self.refuse_overloaded(connection)

    def refuse_overloaded(self, connection: Connection) -> None:
        """Refuse a request that there is no room for; one that was not sent whole is its last."""
        self._refuse(connection, Overloaded(), close=connection.state is not State.ANSWER)

    def late(self, connection: Connection) -> None:
        """End the wait for a client that took too long."""
        if connection.state in (State.HEAD, State.BODY):
            self._refuse(connection, RequestLate(self._patience.client), close=True)
        else:
            self._clients.drop(connection)

    def take_turn(self, connection: Connection) -> None:
        """Go on with a connection whose turn has come: send its refusal, or begin its request."""
        refusal, connection.refusal = connection.refusal, b""
        if refusal:
            self._answer(connection, refusal, close=connection.ends)
        else:
            self._begin(connection)

    def _read_head(self, connection: Connection) -> None:
        buffer, longest_line = connection.buffer, self._settings.limit_request_line
        try:
            length = end_of_head(buffer, connection.scanned, longest_line)
            if length is None:
                connection.scanned = len(buffer)
                return
            connection.requests += 1
            head = parse(
                connection.take(length), self._settings, connection.peer, connection.requests
            )
        except ParseException as error:
            self._refuse(connection, error, close=True)
            return
        connection.head, connection.body_length = head, head.length or 0
        try:
            connection.passed = self._gate.check(head)
            connection.has_right_key |= connection.passed.has_right_key
            if head.is_chunked:
                raise LengthRequired
            if connection.body_length > connection.passed.most_bytes:
                raise BodyTooLarge(connection.passed.most_bytes)
            if connection.body_length > MAX_BYTES:
                self._find_room_for_a_long_body(connection)
        except (ServiceError, HTTPException) as error:
            self._refuse(connection, error, close=connection.body_is_not_worth_reading(head))
            return
        connection.wait(State.BODY, time.monotonic() + self._patience.client)
        self._invite_body(connection, head)

    def _find_room_for_a_long_body(self, connection: Connection) -> None:
        """Raise Overloaded if there is none; or another client's body is read no further."""
        without_room = self._clients.without_room_for_its_body(connection)
        if without_room is connection:
            raise Overloaded
        if without_room is not None:
            without_room.wait(State.TURN, inf)
            without_room.buffer.clear()
            self.given_back.append(without_room)

    def _invite_body(self, connection: Connection, head: Head) -> None:
        """Send `100 Continue` to a client that waits for it."""
        is_awaited = head.expects_continue and len(connection.buffer) < connection.body_length
        if is_awaited and connection.send(CONTINUE):
            raise BlockingIOError("the client takes nothing")
        head.request._expected_100_continue = False

    def _request_is_whole(self, connection: Connection) -> None:
        assert connection.head is not None  # noqa: S101
        head, passed = connection.head, connection.passed
        head.request.body = io.BytesIO(connection.take(connection.body_length))
        connection.body_length = 0
        if passed.answer is not None:
            close = self._closes(head)
            content = whole_answer(
                HTTPStatus.OK,
                {"Content-Type": JSON, **answer_headers(head.request_id)},
                passed.answer,
                close=close,
                without_body=head.method == "HEAD",
            )
            self._answer(connection, content, close=close)
            return
        if not (passed.is_paced and self.paces.delay_open(connection, time.monotonic())):
            self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        """Have a thread answer a whole request."""
        passed = connection.passed
        connection.received_at = time.monotonic()
        connection.wait(State.ANSWER, inf)
        given_back = self._lanes[passed.lane].put(connection, passed.party)
        if given_back is not None:
            self.given_back.append(given_back)

    def _refuse(self, connection: Connection, error: Refused, *, close: bool) -> None:
        head = connection.head
        without_body = head is not None and head.method == "HEAD"
        close = close or self._closes(head)
        connection.has_right_key &= not isinstance(error, KeyRefused)
        refusal = Refusal.of(error, request_id(None) if head is None else head.request_id)
        self.refusals.count(refusal)
        content = refusal.answer(close=close, without_body=without_body)
        is_limited = isinstance(error, RateLimited)
        self._answer_refusal(connection, content, close=close, is_limited=is_limited)

    def _answer_refusal(
        self, connection: Connection, content: bytes, *, close: bool, is_limited: bool = False
    ) -> None:
        connection.ends = close
        if self.paces.delay_refusal(connection, time.monotonic(), is_limited=is_limited):
            connection.refusal, connection.head = content, None  # and with it the body
        else:
            self._answer(connection, content, close=close)

    def _closes(self, head: Head | None) -> bool:
        return self._is_closing() or (head is not None and head.is_last)

    def _answer(self, connection: Connection, content: bytes, *, close: bool) -> None:
        connection.ends = close
        connection.wait(State.SENDING, time.monotonic() + self._patience.client)
        connection.unsent = connection.send(content)
        if not connection.unsent:
            self._sent(connection)

    def _sent(self, connection: Connection) -> None:
        """Go on after an answer that was sent whole."""
        connection.head = None
        if connection.ends:
            seconds = self._patience.client if connection.body_length else LINGER_SECONDS
            connection.end()
            connection.body_length = MOST_DISCARDED
            connection.wait(State.END, time.monotonic() + seconds)
        elif connection.body_length:
            connection.wait(State.UNWANTED_BODY, time.monotonic() + self._patience.client)
        else:
            self._await_request(connection)
        if connection.buffer:
            self.unread[connection] = None
        else:
            self._await_client(connection)

    def _await_request(self, connection: Connection) -> None:
        seconds = LINGER_SECONDS if self._is_closing() else self._patience.request
        connection.wait(State.REQUEST, time.monotonic() + seconds)

    def _await_client(self, connection: Connection) -> None:
        """End a connection whose client ends it in the middle of something."""
        if not connection.client_ended:
            return
        if connection.state in _OWED_AN_ANSWER:
            if connection.ends:
                connection.buffer.clear()  # nothing after this answer is answered
            return
        if connection.state is State.BODY:
            self._refuse(
                connection, BodyUnreadable("the body is shorter than Content-Length"), close=True
            )
        elif connection not in self.unread:
            self._clients.drop(connection)
