"""Which merchant a request speaks for: its API key says so, and nothing else does."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import psycopg

from service.errors import KeyRefused, StoreUnavailable
from stores.postgres.api_keys import KEY_CACHE_SECONDS, ApiKey
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant

MOST_CACHED: Final = 10_000
KEY_GRACE: Final = timedelta(minutes=15)
RETRY_SECONDS: Final = 1.0
"""How long a known key is not looked up again after PostgreSQL could not be read."""


@dataclass(frozen=True, slots=True)
class _KnownKey:
    """The merchant of a key that was found valid; instants are monotonic seconds."""

    merchant: Merchant
    found_at: float
    look_up_at: float
    """From when it is looked up again."""


def key_in(authorization: str | None) -> ApiKey | None:
    """The key in an `Authorization` header; None when there is none or its checksum is wrong."""
    text = _bearer_text(authorization)
    return None if text is None else ApiKey.read(text)


class KeyRing:
    """The keys found valid within the last KEY_CACHE_SECONDS, for all threads of a process.

    While PostgreSQL can't be read, a key that was found valid stays so for `grace`, with the policy
    that it had.
    """

    def __init__(self, grace: timedelta = KEY_GRACE) -> None:
        self._grace_seconds = grace.total_seconds()
        self._known: dict[bytes, _KnownKey] = {}
        self._lock = threading.Lock()

    def known(self, authorization: str | None) -> Merchant | None:
        """The merchant of a key that was found valid, as it was then; nothing is looked up."""
        text = _bearer_text(authorization)
        known = None if text is None else self._known.get(_digest(text))
        return None if known is None else known.merchant

    def merchant(
        self, authorization: str | None, now: float, look_up: Callable[[ApiKey], Merchant | None]
    ) -> Merchant:
        """The merchant whose key is in an `Authorization` header; `now` is monotonic seconds.

        `look_up` asks PostgreSQL. Raises KeyRefused, which does not say why, and StoreUnavailable
        for a key that is not known while PostgreSQL can't be read.
        """
        text = _bearer_text(authorization)
        if text is None:
            raise KeyRefused
        digest = _digest(text)
        known = self._known.get(digest)
        if known is not None and now < known.look_up_at:
            return known.merchant
        key = key_in(authorization)
        if key is None:
            raise KeyRefused
        try:
            merchant = look_up(key)
        except (psycopg.Error, PostgresUnavailable) as cause:
            if known is None or now >= known.found_at + self._grace_seconds:
                raise StoreUnavailable from cause
            self._note(digest, replace(known, look_up_at=now + RETRY_SECONDS))
            return known.merchant
        if merchant is None:
            self._forget(digest)
            raise KeyRefused
        self._note(digest, _KnownKey(merchant, now, now + KEY_CACHE_SECONDS))
        return merchant

    def _note(self, digest: bytes, known: _KnownKey) -> None:
        """Remember a key as the newest, in the place of the oldest if there are too many."""
        with self._lock:
            self._known.pop(digest, None)
            if len(self._known) >= MOST_CACHED:
                del self._known[next(iter(self._known))]
            self._known[digest] = known

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._known.pop(digest, None)


def _bearer_text(authorization: str | None) -> str | None:
    """What an `Authorization` header says after `Bearer`; None if that is not its scheme.

    It has no space around it: with each way to write one key, that key would be another one.
    """
    scheme, _, text = (authorization or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
