"""One request of a merchant: whose it is, its session in PostgreSQL, and its deadline."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import psycopg
from flask import g, request

from features_pkg.calendar import from_us
from service import clock
from service.authentication import KeyRing
from service.clock import CLOCK_HEADER
from service.database import Database
from service.deadline import Deadline
from service.errors import ClockHeaderRefused, StoreUnavailable
from service.health import ProcessChecks
from service.received import received_at
from service.request_headers import VERSION_HEADER, check_version
from service.session import Session
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.generations import OtherServer
from stores.postgres.merchants import Merchant

KEY_SHARE: Final = 1 / 3
"""The share of a request's time after which PostgreSQL is not waited for to look up a key."""


class Needs(Protocol):
    """What requests of merchants need of their process."""

    @property
    def database(self) -> Database:
        """PostgreSQL."""

    @property
    def keys(self) -> KeyRing:
        """The keys that were found valid."""

    @property
    def process_checks(self) -> ProcessChecks:
        """Has the age of the model."""

    @property
    def time_limit(self) -> timedelta:
        """How long a request may take."""

    @property
    def card_key(self) -> bytes:
        """The secret of the fingerprint that replaces a card's number."""

    @property
    def development(self) -> bool:
        """Whether a request may bring its own clock."""


@dataclass(frozen=True, slots=True)
class MerchantRequest:
    """A request whose key was found valid."""

    merchant: Merchant
    session: Session
    deadline: Deadline
    clock: datetime | None = None
    """What the database's clock is set to, on a development stack; None leaves it alone."""


def request_deadline(time_limit: timedelta) -> Deadline:
    """The deadline of the present request: it counts from when the request was whole."""
    return Deadline.after(received_at(request.environ), time_limit)


def merchant_of(
    needs: Needs, environ: Mapping[str, Any], session: Session, deadline: Deadline
) -> Merchant:
    """The merchant of a request, by its WSGI environment.

    Raises KeyRefused, StoreUnavailable, ModelOutdated.
    """
    look_up_by, age = deadline.part(KEY_SHARE), needs.process_checks.model_age
    return needs.keys.merchant(
        environ.get("HTTP_AUTHORIZATION"),
        time.monotonic(),
        lambda key: session.call(lambda connection: age.merchant_of(connection, key), look_up_by),
    )


@contextmanager
def merchant_request(
    needs: Needs, deadline: Deadline, *, is_awaited: bool = True, stores: bool = False
) -> Iterator[MerchantRequest]:
    """The present request, to be answered by the deadline.

    If a buyer awaits the answer, the merchant's policy may lower the deadline. Only one that
    stores something may have a development clock.

    Raises VersionRefused, KeyRefused, ModelOutdated and ClockHeaderRefused, and StoreUnavailable in
    the place of what PostgreSQL raises meanwhile.
    """
    check_version(request.headers.get(VERSION_HEADER))
    with needs.database.session() as session:
        merchant = merchant_of(needs, request.environ, session, deadline)
        g.log_fields = {"merchant_id": merchant.merchant_id}
        try:
            if is_awaited:
                deadline = deadline.lowered(merchant.policy.deadline_ms)
            own_clock = _development_clock(stores=stores, development=needs.development)
            yield MerchantRequest(merchant, session, deadline, own_clock)
        except (psycopg.Error, PostgresUnavailable, OtherServer) as cause:
            raise StoreUnavailable from cause


def _development_clock(*, stores: bool, development: bool) -> datetime | None:
    header = request.headers.get(CLOCK_HEADER)
    if header is None:
        return None
    if not stores:
        raise ClockHeaderRefused(f"{CLOCK_HEADER} changes nothing that is only read: leave it out")
    return from_us(clock.from_header(header, development=development))
