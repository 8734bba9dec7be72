"""Which merchant a request speaks for: its API key says so, and nothing else does."""

import hashlib
from collections.abc import Callable
from typing import Final

from service.errors import KeyRefused
from stores.postgres.api_keys import KEY_CACHE_SECONDS, ApiKey
from stores.postgres.merchants import Merchant

MOST_CACHED: Final = 10_000


def key_in(authorization: str | None) -> ApiKey | None:
    """The key in an `Authorization` header; None when there is none or its checksum is wrong."""
    scheme, _, text = (authorization or "").partition(" ")
    return ApiKey.read(text.strip()) if scheme.lower() == "bearer" else None


class KeyRing:
    """The keys found valid within the last KEY_CACHE_SECONDS, for all threads of a process."""

    def __init__(self, look_up: Callable[[ApiKey], Merchant | None]) -> None:
        self._look_up = look_up
        self._cache: dict[bytes, tuple[float, Merchant]] = {}

    def merchant(self, authorization: str | None, now: float) -> Merchant:
        """The merchant whose key is in an `Authorization` header; `now` is monotonic seconds.

        Raises KeyRefused, which does not say why.
        """
        scheme, _, text = (authorization or "").partition(" ")
        digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        cached = self._cache.get(digest)
        if cached is not None and scheme.lower() == "bearer" and now < cached[0]:
            return cached[1]
        key = key_in(authorization)
        merchant = self._look_up(key) if key else None
        if merchant is None:
            raise KeyRefused
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[digest] = (now + KEY_CACHE_SECONDS, merchant)
        return merchant
