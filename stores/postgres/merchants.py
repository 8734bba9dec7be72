"""Merchants and their API keys in PostgreSQL."""

from dataclasses import dataclass
from typing import Final, cast

import psycopg
from psycopg.rows import class_row, scalar_row

from features_pkg.errors import OntemError
from stores.policy import Decision, Policy
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import Connection


class MerchantUnknown(OntemError):
    """No merchant has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no merchant {name!r}: add it with `ontem merchant add {name}`")
        self.name = name


class MerchantExists(OntemError):
    """A merchant has that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is a merchant {name!r} already: choose another name, "
            "or give it one more key with `ontem merchant key`"
        )
        self.name = name


class KeyUnknown(OntemError):
    """The merchant has no key of that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"the merchant has no key {key_id!r}: "
            "it is the part of a key between `ontem_` and the next `_`"
        )
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Merchant:
    """A tenant, and how it decides."""

    merchant_id: int
    name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class _Row:
    merchant_id: int
    name: str
    review_at: float
    block_at: float
    decision_without_score: str
    secret_hash: bytes = b""

    def merchant(self) -> Merchant:
        decision = cast(Decision, self.decision_without_score)
        return Merchant(
            self.merchant_id, self.name, Policy(self.review_at, self.block_at, decision)
        )


_COLUMNS: Final = "m.merchant_id, m.name, m.review_at, m.block_at, m.decision_without_score"


def add_merchant(connection: Connection, name: str, policy: Policy | None = None) -> Merchant:
    """A new merchant. Raises MerchantExists."""
    policy = policy or Policy()
    try:
        with connection.transaction(), connection.cursor(row_factory=scalar_row) as cursor:
            cursor.execute(
                "INSERT INTO merchants (name, review_at, block_at, decision_without_score)"
                " VALUES (%s, %s, %s, %s) RETURNING merchant_id",
                (name, policy.review_at, policy.block_at, policy.decision_without_score),
            )
            return Merchant(cast(int, cursor.fetchone()), name, policy)
    except psycopg.errors.UniqueViolation:
        raise MerchantExists(name) from None


def set_policy(connection: Connection, merchant: Merchant, policy: Policy) -> None:
    """Let `merchant` decide by `policy` from now on; a service follows in KEY_CACHE_SECONDS."""
    connection.execute(
        "UPDATE merchants SET review_at = %s, block_at = %s, decision_without_score = %s"
        " WHERE merchant_id = %s",
        (policy.review_at, policy.block_at, policy.decision_without_score, merchant.merchant_id),
    )


def find_merchant(connection: Connection, name: str) -> Merchant:
    """The merchant of that name. Raises MerchantUnknown."""
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS} FROM merchants m WHERE m.name = %s",  # noqa: S608 - our columns
            (name,),
        ).fetchone()
    if row is None:
        raise MerchantUnknown(name)
    return row.merchant()


def all_merchants(connection: Connection) -> list[Merchant]:
    """All merchants, by name."""
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM merchants m ORDER BY m.name"  # noqa: S608 - our columns
        ).fetchall()
    return [row.merchant() for row in rows]


def issue_key(connection: Connection, merchant: Merchant) -> ApiKey:
    """One more key of the merchant, whose older ones stay valid. Only its hash is stored."""
    key = ApiKey.new()
    with connection.transaction():
        connection.execute(
            "INSERT INTO api_keys (key_id, merchant_id, secret_hash) VALUES (%s, %s, %s)",
            (key.key_id, merchant.merchant_id, key.secret_hash),
        )
    return key


def revoke_key(connection: Connection, merchant: Merchant, key_id: str) -> None:
    """End a key of the merchant; ended again, it stays so. Raises KeyUnknown."""
    with connection.transaction():
        ended = connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp())"
            " WHERE key_id = %s AND merchant_id = %s",
            (key_id, merchant.merchant_id),
        )
    if ended.rowcount == 0:
        raise KeyUnknown(key_id)


def authenticate(connection: Connection, key: ApiKey) -> Merchant | None:
    """The merchant whose valid key this is, else None; a wrong one takes as long as a right one."""
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS}, k.secret_hash"  # noqa: S608 - our columns
            " FROM api_keys k JOIN merchants m USING (merchant_id)"
            " WHERE k.key_id = %s AND k.revoked_at IS NULL",
            (key.key_id,),
        ).fetchone()
    proven = key.proves(row.secret_hash if row else bytes(32))
    return row.merchant() if row and proven else None
