"""The keys of models in the settings, as what signs and what verifies."""

from collections.abc import Mapping
from typing import Protocol

from features_pkg.models.signing import SigningKey, VerifyKeys
from stores.checkout import model_keys_remedy
from stores.errors import SettingsError
from stores.variable_reader import VariableReader


class TrustSettings(Protocol):
    """Whose models are trusted."""

    @property
    def model_verify_keys(self) -> tuple[bytes, ...]:
        """The public keys."""
        ...


class SigningSettings(TrustSettings, Protocol):
    """Who signs models, and whose are trusted."""

    @property
    def model_signing_key(self) -> bytes:
        """The secret key; empty when there is none."""
        ...


def verify_keys(settings: TrustSettings) -> VerifyKeys:
    """The keys whose models are served here. Raises SettingsError when there is none."""
    return _trusted(settings.model_verify_keys)


def verify_keys_of(environ: Mapping[str, str]) -> VerifyKeys:
    """The keys whose models are trusted where nothing else of the settings is needed.

    Raises SettingsError.
    """
    return _trusted(VariableReader(environ).verify_keys("ONTEM_MODEL_VERIFY_KEYS"))


def _trusted(keys: tuple[bytes, ...]) -> VerifyKeys:
    if not keys:
        raise SettingsError(
            variable="ONTEM_MODEL_VERIFY_KEYS",
            value=None,
            remedy=f"a model is served only if one of its keys signed it; {model_keys_remedy()}",
        )
    return VerifyKeys(keys)


def signing_key(settings: SigningSettings) -> SigningKey:
    """The key that signs what is trained here.

    Raises SettingsError when there is none, or when models that it signs would not be served here.
    """
    if not settings.model_signing_key:
        raise SettingsError(
            variable="ONTEM_MODEL_SIGNING_KEY",
            value=None,
            remedy=f"it signs what is trained; {model_keys_remedy()}",
        )
    key = SigningKey(settings.model_signing_key)
    if key.public not in verify_keys(settings).keys:
        raise SettingsError(
            variable="ONTEM_MODEL_VERIFY_KEYS",
            value=",".join(each.hex() for each in settings.model_verify_keys),
            remedy="the public key of ONTEM_MODEL_SIGNING_KEY is not among them, so its models "
            f"would not be served: add {key.public.hex()}",
        )
    return key
