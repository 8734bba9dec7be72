"""The pair of keys for models that the tests have; nobody else trusts it."""

from features_pkg.models.signing import SigningKey, VerifyKeys

SIGNING_KEY = SigningKey(bytes(range(32, 64)))
VERIFY_KEYS = VerifyKeys((SIGNING_KEY.public,))
TRUST = {"ONTEM_MODEL_VERIFY_KEYS": SIGNING_KEY.public.hex()}
"""The variable of who serves."""
BOTH = {"ONTEM_MODEL_SIGNING_KEY": SIGNING_KEY.seed.hex(), **TRUST}
"""The variables of who trains."""
