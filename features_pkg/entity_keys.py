"""Keyed hashes that stand for identifier values wherever they leave PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

KEY_BYTES: Final = 24
KEY_ID_DIGITS: Final = 12


class EntityKeys:
    """Keyed BLAKE2b (RFC 7693) of (merchant, identifier, value), bound to one timelines id.

    Without the secret nobody can try all CPFs. The same value at another merchant, or as another
    identifier, has an unrelated key.
    """

    def __init__(self, secret: bytes, timelines_id: str) -> None:
        if len(secret) < 16:
            raise ValueError(f"the entity key has {len(secret)} bytes: give at least 16")
        self.timelines_id = timelines_id
        self._start = hashlib.blake2b(
            key=secret, digest_size=KEY_BYTES, person=timelines_id.encode()[:16]
        )

    def key(self, merchant_id: int, identifier: str, value: str) -> bytes:
        """The 24 bytes of one entity."""
        mac = self._start.copy()
        mac.update(f"{merchant_id}\0{identifier}\0{value}".encode("utf-8", "surrogatepass"))
        return mac.digest()

    def keys(
        self, merchant_ids: Sequence[int], identifier: str, values: Iterable[bytes]
    ) -> bytearray:
        """The keys of many values of one identifier, in UTF-8, each with its merchant.

        One comes right after the other.
        """
        begun = {
            merchant_id: self._begun(merchant_id, identifier) for merchant_id in set(merchant_ids)
        }
        found = bytearray()
        for merchant_id, value in zip(merchant_ids, values, strict=True):
            mac = begun[merchant_id].copy()
            mac.update(value)
            found += mac.digest()
        return found

    def _begun(self, merchant_id: int, identifier: str) -> Any:
        mac = self._start.copy()
        mac.update(f"{merchant_id}\0{identifier}\0".encode())
        return mac

    @property
    def key_id(self) -> str:
        """A name for the secret, 12 hex digits, that does not give it away."""
        return self.key(0, "key id", "").hex()[:KEY_ID_DIGITS]

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("EntityKeys holds a secret and is not pickled: send the secret's bytes")
