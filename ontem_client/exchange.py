"""One call: its connection, its one second try, and what becomes of its answer."""

import random
import ssl
import time
from collections import deque
from http.client import HTTPException, IncompleteRead
from typing import Final

from ontem_client import errors
from ontem_client.address import Resolver, ServiceAddress
from ontem_client.connection import AnswerTooLong, Connection, connect
from ontem_client.deadline import Deadline
from ontem_client.errors import NotAnswered
from ontem_client.messages import Answer, Request

MOST_AT_REST: Final = 32
"""How many connections wait for a next call; more are closed after theirs."""

SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.1
"""Seconds between two tries are anything between, so that many clients do not try at once."""

ASKED_TO_WAIT: Final = (429, 503)


class Exchange:
    """Sends requests to one service; any number of threads may use it at the same time.

    What is sent may be sent twice: each path does a repeated request once.
    """

    def __init__(self, service: ServiceAddress, tls: ssl.SSLContext | None) -> None:
        self._service, self._tls = service, tls
        self._resolver = Resolver(service.host, service.port)
        # The methods of a deque need no lock, which a fork could leave locked.
        self._at_rest: deque[Connection] = deque()

    def ask(self, request: Request, seconds: float) -> Answer:
        """The answer, whatever its status, within so many seconds. Raises NotAnswered."""
        deadline = Deadline(seconds)
        outcome = self._try(request, deadline, self._resting())
        pause = _pause(outcome)
        if pause is not None and deadline.allows(pause):
            time.sleep(pause)
            outcome = self._try(request, deadline, None)
        if isinstance(outcome, NotAnswered):
            raise outcome  # here, where no other error is handled that would be shown with it
        return outcome

    def close(self) -> None:
        """Close the connections that wait; calls that run go on."""
        while self._at_rest:
            self._at_rest.pop().close()

    def _resting(self) -> Connection | None:
        while True:
            try:
                connection = self._at_rest.pop()
            except IndexError:
                return None
            if connection.is_usable:
                return connection
            connection.close()

    def _try(
        self, request: Request, deadline: Deadline, connection: Connection | None
    ) -> Answer | NotAnswered:
        try:
            if connection is None:
                connection = connect(self._service, self._resolver, self._tls, deadline)
            answer = connection.ask(request, deadline)
        except (OSError, HTTPException, AnswerTooLong) as cause:
            if connection is not None:
                connection.close()
            return _failure(cause, request.request_id)
        except BaseException:  # such as an interrupt: what was asked could answer the next call
            if connection is not None:
                connection.close()
            raise
        self._put_to_rest(connection, answer)
        return answer

    def _put_to_rest(self, connection: Connection, answer: Answer) -> None:
        if answer.keeps_connection and len(self._at_rest) < MOST_AT_REST:
            connection.rest()
            self._at_rest.append(connection)
        else:
            connection.close()


class ConnectionLost(errors.ConnectionFailed):
    """It was refused, reset or closed: somebody else may answer, or the same one in a moment."""


def _pause(outcome: Answer | NotAnswered) -> float | None:
    """How long to wait before the second try; None for an outcome that is final."""
    pause = random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE)  # noqa: S311  no secret
    if isinstance(outcome, NotAnswered):
        return pause if isinstance(outcome, ConnectionLost) else None
    if outcome.status in ASKED_TO_WAIT and outcome.retry_after is not None:
        return outcome.retry_after + pause
    return None


def _failure(cause: Exception, request_id: str) -> NotAnswered:
    """What a merchant is told; no value of a request or an answer is in it."""
    name = type(cause).__name__
    if isinstance(cause, TimeoutError):
        return errors.DeadlinePassed("no answer came before the deadline", request_id=request_id)
    if isinstance(cause, ConnectionError | IncompleteRead | ssl.SSLEOFError):
        detail = f"the connection was refused or broke ({name})"
        return ConnectionLost(detail, request_id=request_id)
    if isinstance(cause, ssl.SSLCertVerificationError):
        detail = f"the certificate was not accepted ({cause.verify_message})"
        return errors.ConnectionFailed(detail, request_id=request_id)
    if isinstance(cause, OSError):
        detail = f"the service was not reached ({name}: {cause.strerror or 'no reason given'})"
        return errors.ConnectionFailed(detail, request_id=request_id)
    if isinstance(cause, AnswerTooLong):
        return errors.AnswerUnreadable("the answer is too long", request_id=request_id)
    return errors.AnswerUnreadable(f"this is not HTTP ({name})", request_id=request_id)
