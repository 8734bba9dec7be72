"""API keys: creating, parsing and checking one. Only a hash of the secret is ever stored."""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Final

KEY_CACHE_SECONDS: Final = 30
"""How long a service caches a key with its policy, so how long a revoked one may still work."""

_PATTERN: Final = re.compile(r"ontem_([0-9a-f]{12})_([0-9a-f]{48})([0-9a-f]{8})", re.ASCII)
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key: the id under which it is stored, and the secret that proves it."""

    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "ApiKey":
        """A new key, whose secret has 192 random bits."""
        return cls(secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> "ApiKey | None":
        """The key in `text`; None when `text` is not a key or its checksum is wrong.

        So a mistyped or invented key is refused without a query.
        """
        match = _PATTERN.fullmatch(text)
        if match is None or match[3] != _checksum(match[1], match[2]):
            return None
        return cls(match[1], match[2])

    @property
    def text(self) -> str:
        """What the merchant is shown once: `ontem_<id>_<secret and checksum>`."""
        return f"ontem_{self.key_id}_{self.secret}{_checksum(self.key_id, self.secret)}"

    @property
    def secret_hash(self) -> bytes:
        """What is stored. SHA-256 is enough: nobody can try 192 random bits, unlike passwords."""
        return hashlib.sha256(self.secret.encode()).digest()

    def proves(self, stored_hash: bytes) -> bool:
        """Whether `stored_hash` is the hash of this secret; it takes the same time either way."""
        return hmac.compare_digest(self.secret_hash, stored_hash)


def _checksum(key_id: str, secret: str) -> str:
    return f"{zlib.crc32(f'{key_id}_{secret}'.encode()):08x}"
