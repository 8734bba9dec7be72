"""gunicorn's worker class: one loop for all clients, and threads for whole requests."""

import errno
import os
import selectors
import time
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from math import inf
from typing import Any, Final

from gunicorn.workers import base
from gunicorn.workers.gthread import PollableMethodQueue

from service.metrics.gauges import LoopState
from service.problems import bug_problem
from service.worker.answer import Answer, answer
from service.worker.clients import READ, WRITE, Clients, most_connections
from service.worker.connection import LINGER_SECONDS, Connection, Patience
from service.worker.conversation import Conversation
from service.worker.gate import BULK_THREADS, Lane
from service.worker.request_settings import RequestSettings
from service.worker.threads import Threads

HEALTH_THREADS: Final = 2
HEALTH_WAITING: Final = 16
BULK_WAITING: Final = 4

_SWEEP_SECONDS: Final = 1.0
_STOPPING_SWEEP_SECONDS: Final = 0.1
_NO_MORE_FILES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class LoopWorker(base.Worker):  # type: ignore[misc]
    """A worker whose clients wait in its loop; a thread gets a request when it is whole.

    `app`, the server, says what the worker does besides gunicorn's settings: see `Front`.
    """

    counts_slot: int | None = None
    """The number of its files of counts; None when it counts for itself."""

    def init_process(self) -> None:
        """Make what must not be shared with other processes, then serve."""
        self._selector = selectors.DefaultSelector()
        self._done = PollableMethodQueue()
        self._done.init()
        self._accepting = False
        self._sweep_at = 0.0
        self.alive: bool
        super().init_process()

    def run(self) -> None:
        """Serve until a signal ends the worker or its parent is gone."""
        self._set_up()
        self._accept_connections(accepting=True)
        while self.alive:
            self._turn(_SWEEP_SECONDS)
            if self.ppid != os.getppid():
                self.alive = False
        self._stop()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """At a TERM: let the loop end."""
        if self.alive:
            self.alive = False
            self._done.defer(lambda: None)

    def _set_up(self) -> None:
        front = self.app.front
        self._request_settings = RequestSettings(self.cfg)
        self._clients = Clients(self._selector, most=most_connections(self.cfg.worker_connections))
        threads = {
            Lane.REQUESTS: (self.cfg.threads, front.waiting, front.time_limit),
            Lane.HEALTH: (HEALTH_THREADS, HEALTH_WAITING, inf),
            Lane.BULK: (BULK_THREADS, BULK_WAITING, inf),
        }
        self._lanes = {
            lane: Threads(
                lane.name.lower(),
                threads=number,
                waiting=waiting,
                work=self._work,
                time_limit=time_limit,
            )
            for lane, (number, waiting, time_limit) in threads.items()
        }
        self._conversation = Conversation(
            clients=self._clients,
            gate=front.make_gate(self.wsgi),
            lanes=self._lanes,
            settings=self._request_settings,
            patience=Patience(request=self.cfg.keepalive, client=front.client_seconds),
            is_closing=self._is_closing,
        )
        self._selector.register(self._done.fileno(), READ, self._done.run_callbacks)

    def _loop_state(self) -> LoopState:
        unfinished = {
            lane.name.lower(): threads.unfinished for lane, threads in self._lanes.items()
        }
        return LoopState(len(self._clients), unfinished)

    def _is_closing(self) -> bool:
        return not self.alive or self.app.front.is_draining()

    def _turn(self, seconds: float) -> None:
        """Do what there is to do, or wait for it so long."""
        unread = self._conversation.unread
        wait = 0 if unread else self._conversation.paces.seconds_left(time.monotonic(), seconds)
        for key, events in self._selector.select(wait):
            if isinstance(key.data, Connection):
                self._serve(key.data, events)
            else:
                key.data(key.fileobj)
        for connection in [*unread]:
            del unread[connection]
            self._step(connection, self._conversation.advance)
        now = time.monotonic()
        for connection in self._conversation.paces.due(now):
            self._step(connection, self._conversation.take_turn)
        given_back = self._conversation.given_back
        while given_back:  # after all that may put something into a lane
            self._step(given_back.popleft(), self._conversation.refuse_overloaded)
        if now >= self._sweep_at:
            self._sweep_at = now + seconds
            self._sweep(now)

    def _serve(self, connection: Connection, events: int) -> None:
        if events & WRITE:
            self._step(connection, self._conversation.write)
        if events & READ:
            self._step(connection, self._conversation.read)

    def _step(self, connection: Connection, step: Any) -> None:
        """Go one step on with a connection, unless it was closed meanwhile."""
        if connection not in self._clients:
            return
        try:
            step(connection)
        except OSError:  # the client is gone
            self._clients.drop(connection)
        except Exception as error:  # noqa: BLE001  a bug costs one client, not all of the loop
            bug_problem(error, "")
            self._clients.drop(connection)
        self._clients.watch(connection)

    def _sweep(self, now: float) -> None:
        """Do what is to be done about once a second."""
        self.notify()
        for connection in self._clients.overdue(now):
            self._step(connection, self._conversation.late)
        self._conversation.refusals.write()
        self.app.front.observe(self.wsgi, self._loop_state())
        if self.alive:
            self._accept_connections(accepting=True)

    def _work(self, connection: Connection) -> None:
        """Answer a whole request, in a thread of its lane, or have the loop refuse it."""
        if self._lanes[connection.passed.lane].is_too_late(connection.received_at):
            self._done.defer(self._step, connection, self._conversation.shed)
            return
        result = self._answer(connection)
        unsent: bytes | None = result.content
        if result.status != HTTPStatus.UNAUTHORIZED:  # that one may have to wait, in the loop
            try:
                unsent = connection.send(result.content)
            except OSError:  # the client is gone
                unsent = None
        finished = partial(self._conversation.finished, answer=result, unsent=unsent)
        self._done.defer(self._step, connection, finished)

    def _answer(self, connection: Connection) -> Answer:
        """The application's answer; empty if there is no memory for any, or the like.

        Its client is then gone, and the thread goes on: the next request would wait for it.
        """
        assert connection.head is not None  # noqa: S101
        try:
            return answer(
                self.wsgi,
                connection.head.request,
                (connection.peer, connection.server),
                self._request_settings,
                received_at=connection.received_at,
                request_id=connection.head.request_id,
                is_closing=self._is_closing,
            )
        except BaseException as error:  # noqa: BLE001  a thread that ends is never replaced
            with suppress(Exception):
                bug_problem(error, connection.head.request_id)
            return Answer(b"", False, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _accept_connections(self, *, accepting: bool) -> None:
        if accepting == self._accepting:
            return
        self._accepting = accepting
        for listener in self.sockets:
            if accepting:
                listener.setblocking(False)
                self._selector.register(listener, READ, self._accept)
            else:
                self._selector.unregister(listener)

    def _accept(self, listener: Any) -> bool:
        """Whether a client was waiting for its connection to be accepted."""
        if not self._clients.make_room():
            self._accept_connections(accepting=False)  # until the next sweep
            return False
        try:
            client, peer = listener.accept()
        except OSError as error:
            if error.errno in _NO_MORE_FILES:
                self._clients.close_one()
                self._accept_connections(accepting=False)
            return False
        connection = Connection(client, peer, listener.getsockname())
        connection.deadline = time.monotonic() + self.cfg.keepalive
        self._clients.add(connection)
        return True

    def _stop(self) -> None:
        """Answer the clients that are there, tell them to go, and end."""
        for listener in self.sockets:
            for _ in range(self.cfg.backlog):
                if not (self._accepting and self._accept(listener)):
                    break
        self._accept_connections(accepting=False)
        for listener in self.sockets:
            listener.close()
        now = time.monotonic()
        give_up = now + self.cfg.graceful_timeout
        self._clients.hurry(now + LINGER_SECONDS)
        while self._clients and time.monotonic() < give_up:
            self._turn(_STOPPING_SWEEP_SECONDS)
        self._conversation.refusals.write()
        self._selector.close()
        self._done.close()
