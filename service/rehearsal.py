"""What a first order would wait for, done before it: by an order of nobody, of which nothing stays.

Its merchant has the id 0, which PostgreSQL gives none: its statements read no row and store none.
"""

import uuid
from dataclasses import replace
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8

from features_pkg.definitions.window import UNITS_US
from features_pkg.engines.one_order import DistantPast
from features_pkg.history.held_events import NO_EVENTS
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import MERCHANT
from features_pkg.orders.order import Order, content_hash
from features_pkg.timelines.read import EventTimeline, Timeline
from service import batch, body, distant, recent, recording
from service.evaluation_answer import encode
from service.hot.entity import EntityName, HeldEntity
from service.hot.statements import SINCE, since_values
from service.recording import Evaluation
from service.served_model import ServedModel
from service.session import ServiceConnection
from service.statements import rows
from stores.postgres.bounded import ends_session
from stores.redis.load_list import Load

NOBODY: Final = 0
_AT_US: Final = 1_577_880_000_000_000
_LONG_US: Final = 10 * 365 * UNITS_US["d"]
"""For how long its merchant is known: the calendar then has the days since the first orders."""

_ORDER: Final = b"""{"order_id": "rehearsal", "amount_cents": 1, "currency": "BRL",
"placed_at": "2020-01-01T12:00:00-03:00", "user": "u", "document": "529.982.247-25",
"email": "nobody@example.com.br", "phone": "(11) 98765-4321", "zip_code": "01310-100",
"device": "d", "ip": "203.0.113.7", "card": "tok_1", "seller": "s",
"items": [{"product": "p", "quantity": 1, "amount_cents": 1}]}"""


def rehearse_model(served_model: ServedModel, at_us: int) -> None:
    """Read, hash, score and explain an order near this instant, and write its answer."""
    order = _order()
    request = distant.entity_request(served_model.keys, NOBODY, order)
    long_ago = EventTimeline(0, (at_us - _LONG_US, at_us), ([], 0), [([], [], 0)])
    timelines = {**dict.fromkeys(request.entities), (MERCHANT, ""): Timeline(long_ago, None)}
    past = DistantPast(served_model.due_day(at_us), timelines)
    event = RecentEvent("card", "tok_1", "order", at_us - 1, 1, *[None] * 10)
    vector = served_model.evaluator.vector(order, at_us, past, [event])
    score = served_model.model.score(vector.values)
    served_model.model.attribution(vector.values)  # finds the paths of the trees, once
    encode(_evaluation(order, score, served_model.due_day(at_us)).answer())


def rehearse_statements(connection: ServiceConnection) -> None:
    """Have PostgreSQL prepare and plan what sessions keep prepared, for orders and for batches.

    An order of a hot entity has a statement of its own. Reports of chargebacks run statements that
    are planned each time, so there is nothing to keep. What PostgreSQL refuses, as it does without
    a schema, it will refuse to requests, too. Raises psycopg.Error when the session is of no more
    use.
    """
    order = _order()
    identity = {"merchant_id": Int8(NOBODY), "order_id": order.order_id}
    stored = [recording.values_of(_evaluation(each, 0.5, 1)) for each in _with_and_without(order)]
    statements = [
        (recent.RECENT, recent.values_of(NOBODY, order, _AT_US - 1, _AT_US)),
        *((SINCE, _since_values(each)) for each in (order, replace(order, product=()))),
        (recording.STORED_EVALUATION, identity),
    ]
    if not connection.is_read_only:
        statements += [(recording.RECORD, values) for values in stored]
        statements.append((batch.STORE_ORDERS, {"merchant_id": Int8(NOBODY), "orders": "[]"}))
    for statement, values in statements:
        try:
            rows(connection, statement, values)
        except psycopg.Error as error:
            is_idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
            if error.sqlstate is None or ends_session(error) or not is_idle:
                raise


def _order() -> Order:
    """An order with all that one can have."""
    return body.parse(_ORDER, bytes(32))


def _since_values(order: Order) -> dict[str, object]:
    """The values of a read of what came since an entity was held, which has no events."""
    name = EntityName(NOBODY, "card", "tok_1")
    held = HeldEntity(
        name=name,
        generation=1,
        visible="1:1:",
        watermark=1,
        open=frozenset(),
        from_us=_AT_US - 1,
        settled_us=_AT_US,
        until_us=_AT_US,
        orders=NO_EVENTS,
        chargebacks=NO_EVENTS,
    )
    return since_values(
        NOBODY, order, {name: held}, from_us=_AT_US - 1, to_us=_AT_US, most_rows=recent.ALL_ROWS
    )


def _with_and_without(order: Order) -> tuple[Order, Order]:
    """Psycopg prepares a statement anew for other types of values, and nothing is another type."""
    return order, replace(order, placed_at=None)


def _evaluation(order: Order, score: float, as_of: int) -> Evaluation:
    return Evaluation(
        evaluation_id=uuid.UUID(int=0),
        merchant_id=NOBODY,
        request_id="rehearsal",
        order=order,
        content_hash=content_hash(order),
        evaluated_us=_AT_US,
        vector=(),
        missing=(),
        score=score,
        decision="allow",
        model="",
        feature_set="",
        timelines="",
        load=Load(1, as_of, _AT_US, entities=0, checksum="", buckets=1),
        stale_days=0,
        visible="1:1:",
        generation=1,
    )
