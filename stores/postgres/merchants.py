"""Merchants and their API keys in PostgreSQL."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, cast

import psycopg
from psycopg.rows import class_row, scalar_row

from features_pkg.errors import OntemError
from stores.policy import Decision, Policy, WhenNotStored
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import Connection

LONGEST_NAME: Final = 128


class MerchantUnknown(OntemError):
    """No merchant has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no merchant {name!r}: look at `ontem merchant list`, "
            f"or create it with `ontem merchant create {name}`"
        )
        self.name = name


class MerchantExists(OntemError):
    """A merchant of that name exists."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a merchant {name!r} exists: choose another name, "
            f"or give it one more key with `ontem merchant rotate {name}`"
        )
        self.name = name


class MerchantNameRefused(OntemError):
    """A name that a merchant can't have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a merchant can't be called {name!r}: choose 1 to {LONGEST_NAME} printable characters "
            "without blanks around them"
        )
        self.name = name


@dataclass(frozen=True, slots=True)
class Merchant:
    """A tenant and its policy."""

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
    large_amount_cents: int | None
    decision_large_amount: str
    when_not_stored: str
    deadline_ms: int | None
    requests_per_second: int | None
    secret_hash: bytes = b""

    def merchant(self) -> Merchant:
        policy = Policy(
            review_at=self.review_at,
            block_at=self.block_at,
            decision_without_score=cast(Decision, self.decision_without_score),
            large_amount_cents=self.large_amount_cents,
            decision_large_amount=cast(Decision, self.decision_large_amount),
            when_not_stored=cast(WhenNotStored, self.when_not_stored),
            deadline_ms=self.deadline_ms,
            requests_per_second=self.requests_per_second,
        )
        return Merchant(self.merchant_id, self.name, policy)


_COLUMNS: Final = (
    "m.merchant_id, m.name, m.review_at, m.block_at, m.decision_without_score,"
    " m.large_amount_cents, m.decision_large_amount, m.when_not_stored, m.deadline_ms,"
    " m.requests_per_second"
)


def check_name(name: str) -> None:
    """Raise MerchantNameRefused for a name that a new merchant can't have."""
    if not 1 <= len(name) <= LONGEST_NAME or name != name.strip() or not name.isprintable():
        raise MerchantNameRefused(name)


def add_merchant(connection: Connection, name: str, policy: Policy | None = None) -> Merchant:
    """A new merchant, without a limit of requests unless a policy is given.

    Raises MerchantNameRefused and MerchantExists.
    """
    check_name(name)
    policy = policy or Policy()
    try:
        with connection.transaction(), connection.cursor(row_factory=scalar_row) as cursor:
            cursor.execute(
                "INSERT INTO merchants (name, review_at, block_at, decision_without_score,"
                " large_amount_cents, decision_large_amount, when_not_stored, deadline_ms,"
                " requests_per_second)"
                " VALUES (%(name)s, %(review_at)s, %(block_at)s, %(decision_without_score)s,"
                " %(large_amount_cents)s, %(decision_large_amount)s, %(when_not_stored)s,"
                " %(deadline_ms)s, %(requests_per_second)s) RETURNING merchant_id",
                {"name": name, **asdict(policy)},
            )
            return Merchant(cast(int, cursor.fetchone()), name, policy)
    except psycopg.errors.UniqueViolation:
        raise MerchantExists(name) from None


def find_merchant(connection: Connection, name: str, *, for_update: bool = False) -> Merchant:
    """The merchant of that name; `for_update` keeps other changes out until the transaction ends.

    Raises MerchantUnknown.
    """
    if "\0" in (name := str(name)):  # which PostgreSQL takes in no text
        raise MerchantUnknown(name)
    lock = " FOR UPDATE" if for_update else ""
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS} FROM merchants m WHERE m.name = %s{lock}",  # noqa: S608 - our text
            (name,),
        ).fetchone()
    if row is None:
        raise MerchantUnknown(name)
    return row.merchant()


def change_policy(connection: Connection, name: str, **changes: Any) -> Policy:
    """The merchant's new policy: the old one with these of its fields changed.

    A running service follows within KEY_CACHE_SECONDS. Raises MerchantUnknown or PolicyRefused,
    and the old policy stays.
    """
    with connection.transaction():
        merchant = find_merchant(connection, name, for_update=True)
        policy = replace(merchant.policy, **changes)
        connection.execute(
            "UPDATE merchants SET review_at = %(review_at)s, block_at = %(block_at)s,"
            " decision_without_score = %(decision_without_score)s,"
            " large_amount_cents = %(large_amount_cents)s,"
            " decision_large_amount = %(decision_large_amount)s,"
            " when_not_stored = %(when_not_stored)s, deadline_ms = %(deadline_ms)s,"
            " requests_per_second = %(requests_per_second)s"
            " WHERE merchant_id = %(merchant_id)s",
            {"merchant_id": merchant.merchant_id, **asdict(policy)},
        )
    return policy


def all_merchants(connection: Connection) -> list[Merchant]:
    """All merchants, sorted by name."""
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(
            f"SELECT {_COLUMNS} FROM merchants m ORDER BY m.name"  # noqa: S608 - our text
        ).fetchall()
    return [row.merchant() for row in rows]


def authenticate(connection: Connection, key: ApiKey) -> Merchant | None:
    """The merchant whose valid key this is, or None.

    A wrong secret takes as long to refuse as a right one to accept.
    """
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        row = cursor.execute(
            f"SELECT {_COLUMNS}, found.secret_hash"  # noqa: S608 - our text
            " FROM ontem_merchant_of_key(%s) AS found, LATERAL (SELECT (found.merchant).*) AS m",
            (key.key_id,),
        ).fetchone()
    is_valid = key.proves(row.secret_hash if row else bytes(32))
    return row.merchant() if row and is_valid else None
