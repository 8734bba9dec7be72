"""Requests that no buyer waits for: several statements in one transaction, done once for a key."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from flask import Response, request

from service import request_content
from service.errors import IdempotencyKeyReused
from service.merchant_request import MerchantRequest
from service.request_content import JSON
from service.request_headers import IDEMPOTENCY_HEADER, check_idempotency_key
from service.session import ServiceConnection
from stores.postgres import idempotency_keys

Result = TypeVar("Result")

TIME_LIMIT: Final = timedelta(seconds=5)
"""The deadline of such a request, in the place of that of an evaluation."""

_SETTINGS: Final = (
    "SELECT set_config('ontem.merchant', %s, true), set_config('statement_timeout', %s, true)"
)
_CLOCK: Final = "SELECT set_config('ontem.clock', %s, true)"


def in_transaction(asked: MerchantRequest, work: Callable[[ServiceConnection], Result]) -> Result:
    """What `work` returns; all that it stores for the merchant is stored when this returns.

    Nothing is if it raises; after a psycopg.Error it may be all the same. Raises OtherServer,
    psycopg.Error and PostgresUnavailable.
    """
    milliseconds = str(int(TIME_LIMIT / timedelta(milliseconds=1)))

    def run(connection: ServiceConnection) -> Result:
        if connection.other_server is not None:
            raise connection.other_server
        with connection.transaction():
            connection.execute(_SETTINGS, (str(asked.merchant.merchant_id), milliseconds))
            if asked.clock is not None:
                connection.execute(_CLOCK, (asked.clock.isoformat(),))
            return work(connection)

    return asked.session.call(run, asked.deadline)


def answer_once(
    asked: MerchantRequest, content: bytes, work: Callable[[ServiceConnection], bytes]
) -> Response:
    """The answer that `work` returns, or the one that the request's idempotency key had before.

    `content` is the body, which must then be the same. Raises IdempotencyKeyReused and what
    `in_transaction` does.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is None:
        return Response(in_transaction(asked, work), content_type=JSON)
    merchant_id = asked.merchant.merchant_id
    body_hash = hashlib.sha256(b"\0".join([request.path.encode(), content])).digest()

    def once(connection: ServiceConnection) -> tuple[bytes, bool]:
        if idempotency_keys.claim(connection, merchant_id, key, body_hash):
            answer = work(connection)
            idempotency_keys.note_answer(connection, merchant_id, key, answer)
            return answer, False
        earlier = idempotency_keys.keyed_answer(connection, merchant_id, key)
        if earlier.body_hash != body_hash:
            raise IdempotencyKeyReused
        return earlier.answer, True

    answer, is_replayed = in_transaction(asked, once)
    headers = {"Idempotent-Replayed": "true"} if is_replayed else None
    return Response(answer, content_type=JSON, headers=headers)


def read_body(most_bytes: int) -> bytes:
    """The body of the present request. Raises the refusals of its head and its length."""
    check_idempotency_key(request.headers.get(IDEMPOTENCY_HEADER))
    return request_content.read(request.environ, most_bytes)
