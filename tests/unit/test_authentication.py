"""Valid keys are cached for a short time, then looked up again."""

import pytest

from service.authentication import KeyRing
from service.errors import KeyRefused
from stores.policy import Policy
from stores.postgres.api_keys import KEY_CACHE_SECONDS, ApiKey
from stores.postgres.merchants import Merchant


class Keys:
    """The stored keys, which count how often they are looked up."""

    def __init__(self) -> None:
        self.key = ApiKey.new()
        self.merchant: Merchant | None = Merchant(7, "loja", Policy())
        self.look_ups = 0

    def look_up(self, key: ApiKey) -> Merchant | None:
        self.look_ups += 1
        return self.merchant if key == self.key else None

    @property
    def header(self) -> str:
        return f"Bearer {self.key.text}"


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def ring(keys: Keys) -> KeyRing:
    return KeyRing()


def test_a_key_is_looked_up_once_while_it_is_cached(keys: Keys, ring: KeyRing):
    for now in (0.0, 1.0, KEY_CACHE_SECONDS - 0.001):
        assert ring.merchant(keys.header, now, keys.look_up) == keys.merchant

    assert keys.look_ups == 1


def test_a_revoked_key_is_refused_once_it_is_no_longer_cached(keys: Keys, ring: KeyRing):
    ring.merchant(keys.header, 0.0, keys.look_up)
    keys.merchant = None

    with pytest.raises(KeyRefused):
        ring.merchant(keys.header, KEY_CACHE_SECONDS, keys.look_up)


def test_garbage_is_refused_without_a_look_up(keys: Keys, ring: KeyRing):
    for header in (None, "", "Bearer", "Bearer x", f"Bearer {keys.key.text}x", keys.key.text):
        with pytest.raises(KeyRefused):
            ring.merchant(header, 0.0, keys.look_up)

    assert keys.look_ups == 0


def test_a_refused_key_is_looked_up_again(keys: Keys, ring: KeyRing):
    merchant, keys.merchant = keys.merchant, None
    with pytest.raises(KeyRefused):
        ring.merchant(keys.header, 0.0, keys.look_up)
    keys.merchant = merchant

    assert ring.merchant(keys.header, 0.0, keys.look_up) == merchant


def test_a_known_key_under_another_scheme_is_refused(keys: Keys, ring: KeyRing):
    ring.merchant(keys.header, 0.0, keys.look_up)

    with pytest.raises(KeyRefused):
        ring.merchant(f"Basic {keys.key.text}", 0.0, keys.look_up)


def test_the_scheme_is_not_case_sensitive(keys: Keys, ring: KeyRing):
    assert ring.merchant(f"bearer {keys.key.text}", 0.0, keys.look_up) == keys.merchant
