"""Ed25519 signatures of models: who trains signs a manifest, who loads it verifies it.

What is signed begins with a text of its own, so that no signature over anything else that the same
key ever signs can pass for one of a manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES: Final = 32
MANIFEST_DOMAIN: Final = b"ontem model manifest\n"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The secret key of who trains, made from its 32 bytes of seed."""

    seed: bytes = field(repr=False)

    @property
    def public(self) -> bytes:
        """The key that verifies what this one signs."""
        return self._key().public_key().public_bytes_raw()

    def sign(self, manifest: bytes) -> bytes:
        """The signature over the bytes of a manifest; always the same for the same bytes."""
        return self._key().sign(MANIFEST_DOMAIN + manifest)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class VerifyKeys:
    """The public keys whose models are trusted: several while one takes the place of another."""

    keys: tuple[bytes, ...]

    @property
    def shown(self) -> str:
        """The first digits of the fingerprint of each key, for a sentence."""
        return shown_keys(self.keys) or "none"

    def verify(self, manifest: bytes, signature: bytes) -> bool:
        """Whether one of the keys made this signature over the bytes of a manifest."""
        return any(_is_signed_by(key, manifest, signature) for key in self.keys)


def shown_keys(keys: Sequence[bytes]) -> str:
    """Fingerprints that tell public keys apart."""
    return ", ".join(hashlib.sha256(key).hexdigest()[:8] for key in keys)


def _is_signed_by(key: bytes, manifest: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, MANIFEST_DOMAIN + manifest)
    except (InvalidSignature, ValueError):  # ValueError: these bytes are no point of the curve
        return False
    return True
