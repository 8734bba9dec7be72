"""`POST /chargebacks`: a chargeback that a merchant was told of, or that one was reversed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple, cast

import msgspec
from flask import Flask, Response, g

from features_pkg.calendar import from_us
from features_pkg.orders.fields.instant import read_instant_us
from features_pkg.orders.fields.order_id import read_order_id
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.fields.shape import shape_refusal
from features_pkg.orders.limits import YEARS
from service import strict_json
from service.body import OrderId
from service.bulk import TIME_LIMIT, answer_once, read_body
from service.described import described
from service.errors import FieldRefused
from service.merchant_request import Needs, merchant_request, request_deadline
from service.request_content import MAX_BYTES
from service.sent_instant import INSTANT_FORM, RULE, check_form
from stores.postgres.chargebacks import ChargebackKind, record_chargeback
from stores.postgres.connection import Connection

MOST_AHEAD: Final = timedelta(seconds=1)
"""How far in the future a report may be: the late rule refuses it beyond that."""


class ChargebackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report of a chargeback, or of its reversal."""

    order_id: OrderId
    kind: ChargebackKind = "chargeback"
    reported_at: Annotated[
        str | None,
        described(
            "When the merchant was told, with its offset; not before the order and not in the "
            "future. Now if it is left out. A report counts from when it is stored if that is "
            f"more than 5 s later. From {YEARS[0]} to {YEARS[-1]} in UTC.",
            format="date-time",
            pattern=INSTANT_FORM,
        ),
    ] = None


class ChargebackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report."""

    order_id: str
    kind: ChargebackKind
    state: Annotated[
        Literal["stored", "known"],
        described(
            "`known` if a report of this order, kind and `reported_at` is stored already, or, "
            "without `reported_at`, any report of this order and kind."
        ),
    ]
    waits_for_order: Annotated[
        bool, described("Whether no such order is stored: the report counts once it is.")
    ]
    waits_for_chargeback: Annotated[
        bool,
        described(
            "Whether this is a reversal and no chargeback of the order is stored: it reverses the "
            "first one that is."
        ),
    ]


_RULES: Final = {
    "kind": "must be chargeback or reversal",
    "reported_at": RULE,
    "": "must be one JSON object with order_id",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was read."""

    order_id: str
    kind: ChargebackKind
    reported_at: datetime | None


def register(app: Flask, needs: Needs) -> None:
    """Answer `POST /chargebacks`."""

    @app.post("/chargebacks")
    def report_chargeback() -> Response:
        deadline = request_deadline(TIME_LIMIT)
        content = read_body(MAX_BYTES)
        with merchant_request(needs, deadline, is_awaited=False, stores=True) as asked:
            report = parse(content)
            merchant_id = asked.merchant.merchant_id
            return answer_once(
                asked, content, lambda connection: _answer(connection, merchant_id, report)
            )


def parse(content: bytes) -> Report:
    """The report in the bytes of a body. Raises BodyUnreadable and FieldRefused."""
    try:
        sent = msgspec.convert(strict_json.decode(content), ChargebackBody)
        reported_us = read_instant_us(sent.reported_at, "reported_at", None)
        order_id = read_order_id(sent.order_id)
    except msgspec.ValidationError as cause:
        refused = shape_refusal(str(cause), _RULES, "must be a text of 1 to 128 characters")
        raise FieldRefused(refused.field, refused.reason) from None
    except ValueRefused as refused:
        raise FieldRefused(refused.field, refused.reason) from None
    check_form(sent.reported_at, "reported_at")
    reported_at = None if reported_us is None else from_us(reported_us)
    return Report(order_id, sent.kind, reported_at)


def _answer(connection: Connection, merchant_id: int, report: Report) -> bytes:
    """Store a report unless it is known. Raises FieldRefused for an instant that can't be."""
    _take_turn(connection, merchant_id, report.order_id)
    found = _look_up(connection, merchant_id, report)
    if report.reported_at is not None:
        _check_instant(report.reported_at, found.now, found.order_at)
    if not found.is_known:
        reported_at = report.reported_at or found.now
        record_chargeback(connection, merchant_id, report.order_id, reported_at, report.kind)
    answer = ChargebackAnswer(
        order_id=report.order_id,
        kind=report.kind,
        state="known" if found.is_known else "stored",
        waits_for_order=found.order_at is None,
        waits_for_chargeback=report.kind == "reversal" and not found.has_chargeback,
    )
    g.log_fields |= {
        "state": answer.state,
        "waits_for_order": answer.waits_for_order,
        "waits_for_chargeback": answer.waits_for_chargeback,
    }
    return msgspec.json.encode(answer)


def _take_turn(connection: Connection, merchant_id: int, order_id: str) -> None:
    """Wait for other reports of the order, so that of two equal ones the second is known.

    These locks, of two numbers, are others than those of orders, which have one.
    """
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashint8(%s::bigint), hashtext(%s::text))",
        (merchant_id, order_id),
    )


class _Found(NamedTuple):
    """What is stored of the order that a report names."""

    now: datetime
    """The database's clock."""
    order_at: datetime | None
    """When the order was placed; None if no such order is stored."""
    is_known: bool
    """Whether the report itself is stored."""
    has_chargeback: bool


def _look_up(connection: Connection, merchant_id: int, report: Report) -> _Found:
    (row,) = connection.execute(
        "SELECT ontem_clock(),"
        " (SELECT least(event_at, placed_at) FROM orders"
        "  WHERE merchant_id = %(merchant_id)s AND order_id = %(order_id)s),"
        " EXISTS (SELECT FROM chargebacks"
        "  WHERE merchant_id = %(merchant_id)s AND order_id = %(order_id)s AND kind = %(kind)s"
        "  AND reported_at = coalesce(%(reported_at)s::timestamptz, reported_at)),"
        " EXISTS (SELECT FROM chargebacks"
        "  WHERE merchant_id = %(merchant_id)s AND order_id = %(order_id)s"
        "  AND kind = 'chargeback')",
        {
            "merchant_id": merchant_id,
            "order_id": report.order_id,
            "kind": report.kind,
            "reported_at": report.reported_at,
        },
    ).fetchall()
    return _Found(*cast(tuple[datetime, datetime | None, bool, bool], row))


def _check_instant(reported_at: datetime, now: datetime, order_at: datetime | None) -> None:
    if reported_at > now + MOST_AHEAD:
        raise FieldRefused(
            "reported_at",
            f"{reported_at.isoformat()} is in the future: the database's clock says "
            f"{now.isoformat()}; leave it out, and it is now",
        )
    if order_at is not None and reported_at < order_at:
        raise FieldRefused(
            "reported_at",
            f"{reported_at.isoformat()} is before its order, which is of {order_at.isoformat()}: "
            "send when the chargeback was told, or leave it out",
        )
