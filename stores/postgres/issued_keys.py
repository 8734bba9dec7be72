"""The API keys of a merchant: issued, listed, and revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from features_pkg.errors import OntemError
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import Connection
from stores.postgres.merchants import Merchant, find_merchant

MOST_KEYS: Final = 2
"""How many keys of a merchant may work at once: the old one and the new one, while it changes."""


class KeysTooMany(OntemError):
    """A merchant has as many keys that work as it may have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"merchant {name!r} has {MOST_KEYS} keys that work: look at `ontem merchant keys "
            f"{name}`, and revoke the one that is used no more with `ontem merchant revoke {name} "
            "KEY_ID`"
        )
        self.name = name


class KeyUnknown(OntemError):
    """The merchant has no key of that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"the merchant has no key {key_id!r}: a key's id is its part between `ontem_` and the "
            "next `_`, and `ontem merchant keys` lists those that there are"
        )
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """What is known of a key that was issued; its secret is not."""

    key_id: str
    created_at: datetime
    revoked_at: datetime | None


def issue_key(connection: Connection, merchant: Merchant) -> ApiKey:
    """One more key of the merchant, whose older keys stay valid. Only its hash is stored."""
    key = ApiKey.new()
    with connection.transaction():
        connection.execute(
            "INSERT INTO api_keys (key_id, merchant_id, secret_hash) VALUES (%s, %s, %s)",
            (key.key_id, merchant.merchant_id, key.secret_hash),
        )
    return key


def rotate_key(connection: Connection, name: str) -> ApiKey:
    """One more key of the merchant of that name, beside at most one that works.

    Raises MerchantUnknown, KeysTooMany.
    """
    with connection.transaction():
        merchant = find_merchant(connection, name, for_update=True)  # of two at once one waits
        working = [key for key in keys_of(connection, merchant) if key.revoked_at is None]
        if len(working) >= MOST_KEYS:
            raise KeysTooMany(name)
        return issue_key(connection, merchant)


def keys_of(connection: Connection, merchant: Merchant) -> list[IssuedKey]:
    """All keys of the merchant, oldest first, also those that were revoked."""
    with connection.cursor(row_factory=class_row(IssuedKey)) as cursor:
        return cursor.execute(
            "SELECT key_id, created_at, revoked_at FROM api_keys WHERE merchant_id = %s"
            " ORDER BY created_at, key_id",
            (merchant.merchant_id,),
        ).fetchall()


def revoke_key(connection: Connection, merchant: Merchant, key_id: str) -> None:
    """Revoke a key of the merchant; revoking it again changes nothing. Raises KeyUnknown."""
    with connection.transaction():
        revoked = connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp())"
            " WHERE key_id = %s AND merchant_id = %s",
            (key_id, merchant.merchant_id),
        )
    if revoked.rowcount == 0:
        raise KeyUnknown(key_id)
