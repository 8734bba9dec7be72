"""Which merchant a request speaks for: by its API key, and by nothing else."""

import hashlib
from collections.abc import Callable
from typing import Final

from service.errors import KeyRefused
from stores.postgres.api_keys import ApiKey
from stores.postgres.merchants import Merchant

KEPT_SECONDS: Final = 30.0
"""How long a key is believed without asking: a revoked one ends well within a minute."""

MOST_KEPT: Final = 10_000


class KeyRing:
    """The keys that were valid within the last half minute; one per process, for all threads."""

    def __init__(self, look_up: Callable[[ApiKey], Merchant | None]) -> None:
        self._look_up = look_up
        self._kept: dict[bytes, tuple[float, Merchant]] = {}

    def merchant(self, authorization: str | None, now: float) -> Merchant:
        """The merchant whose key `authorization` bears; `now` is monotonic seconds.

        Raises KeyRefused, which does not tell why.
        """
        scheme, _, text = (authorization or "").partition(" ")
        digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        kept = self._kept.get(digest)
        if kept is not None and scheme.lower() == "bearer" and now < kept[0]:
            return kept[1]
        key = ApiKey.read(text.strip()) if scheme.lower() == "bearer" else None
        merchant = self._look_up(key) if key else None
        if merchant is None:
            raise KeyRefused
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[digest] = (now + KEPT_SECONDS, merchant)
        return merchant
