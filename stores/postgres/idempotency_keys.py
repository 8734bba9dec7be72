"""Answers that a merchant's programs get again for 24 hours when they repeat a request."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

from stores.postgres.connection import Connection

KEPT_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KeyedAnswer:
    """What the first request with a key was, and what it was answered."""

    body_hash: bytes
    answer: bytes


def claim(connection: Connection, merchant_id: int, key: str, body_hash: bytes) -> bool:
    """Whether this transaction is the one that answers for a key, which it then has to do.

    It waits for another transaction that has claimed the key. Of a key that is older than KEPT_FOR
    nothing is known any more.
    """
    claimed = connection.execute(
        "INSERT INTO idempotency_keys AS k (merchant_id, idempotency_key, body_hash)"
        " VALUES (%s, %s, %s) ON CONFLICT (merchant_id, idempotency_key) DO UPDATE"
        " SET body_hash = EXCLUDED.body_hash, answer = NULL, recorded_at = EXCLUDED.recorded_at"
        " WHERE k.recorded_at <= EXCLUDED.recorded_at - %s RETURNING 1",
        (merchant_id, key, body_hash, KEPT_FOR),
    )
    return claimed.fetchone() is not None


def keyed_answer(connection: Connection, merchant_id: int, key: str) -> KeyedAnswer:
    """The answer for a key that another transaction has claimed."""
    (row,) = connection.execute(
        "SELECT body_hash, answer FROM idempotency_keys"
        " WHERE merchant_id = %s AND idempotency_key = %s",
        (merchant_id, key),
    ).fetchall()
    return KeyedAnswer(*cast(tuple[bytes, bytes], row))


def note_answer(connection: Connection, merchant_id: int, key: str, answer: bytes) -> None:
    """Keep the answer for a key that this transaction has claimed."""
    connection.execute(
        "UPDATE idempotency_keys SET answer = %s WHERE merchant_id = %s AND idempotency_key = %s",
        (answer, merchant_id, key),
    )


def forget_expired(connection: Connection) -> int:
    """Remove the keys of all merchants that are older than KEPT_FOR; how many they were."""
    deleted = connection.execute(
        "DELETE FROM idempotency_keys WHERE recorded_at <= ontem_clock() - %s::interval",
        (KEPT_FOR,),
    )
    return deleted.rowcount
