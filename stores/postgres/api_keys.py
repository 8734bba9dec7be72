"""API keys: how one is made, read back and checked. Only a hash of the secret is ever stored."""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Final

KEY_CACHE_SECONDS: Final = 30
"""How long a running service may go on with a revoked key, or an old policy, that it has read."""

_FORM: Final = re.compile(r"ontem_([0-9a-f]{12})_([0-9a-f]{48})([0-9a-f]{8})", re.ASCII)
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key: the id under which it is stored, and the secret that proves it."""

    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "ApiKey":
        """A key of 192 random bits."""
        return cls(secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> "ApiKey | None":
        """The key that `text` is, or None when it has not the form or its checksum is wrong.

        So a mistyped or invented key is refused without asking the database.
        """
        form = _FORM.fullmatch(text)
        if form is None or form[3] != _checksum(form[1], form[2]):
            return None
        return cls(form[1], form[2])

    @property
    def text(self) -> str:
        """What the merchant gets, once: `ontem_<id>_<secret and checksum>`."""
        return f"ontem_{self.key_id}_{self.secret}{_checksum(self.key_id, self.secret)}"

    @property
    def secret_hash(self) -> bytes:
        """What is stored. SHA-256 suffices: 192 random bits can't be tried, unlike a password."""
        return hashlib.sha256(self.secret.encode()).digest()

    def proves(self, stored_hash: bytes) -> bool:
        """Whether `stored_hash` is of this secret; the time taken does not tell."""
        return hmac.compare_digest(self.secret_hash, stored_hash)


def _checksum(key_id: str, secret: str) -> str:
    return f"{zlib.crc32(f'{key_id}_{secret}'.encode()):08x}"
