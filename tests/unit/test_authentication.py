"""Valid keys are cached for a short time, then looked up again."""

import pytest

from service.authentication import KEY_GRACE, RETRY_SECONDS, KeyRing
from service.errors import KeyRefused, StoreUnavailable
from stores.policy import Policy
from stores.postgres.api_keys import KEY_CACHE_SECONDS, ApiKey
from stores.postgres.bounded import DeadlineMet
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant


class Keys:
    """The stored keys, which count how often they are looked up."""

    def __init__(self) -> None:
        self.key = ApiKey.new()
        self.merchant: Merchant | None = Merchant(7, "loja", Policy())
        self.look_ups = 0
        self.failure: Exception | None = None

    def look_up(self, key: ApiKey) -> Merchant | None:
        self.look_ups += 1
        if self.failure is not None:
            raise self.failure
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


FAILURES = [DeadlineMet("late"), PostgresUnavailable(address="db", reason="away")]
GRACE_SECONDS = KEY_GRACE.total_seconds()


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_key_that_was_valid_stays_so_while_postgresql_cannot_be_read(
    keys: Keys, ring: KeyRing, failure: Exception
):
    ring.merchant(keys.header, 0.0, keys.look_up)
    keys.failure = failure

    for now in (KEY_CACHE_SECONDS, GRACE_SECONDS / 2, GRACE_SECONDS - 1):
        assert ring.merchant(keys.header, now, keys.look_up) == keys.merchant
    with pytest.raises(StoreUnavailable):
        ring.merchant(keys.header, GRACE_SECONDS + RETRY_SECONDS, keys.look_up)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_key_that_was_never_seen_is_not_refused_but_unavailable(
    keys: Keys, ring: KeyRing, failure: Exception
):
    keys.failure = failure

    with pytest.raises(StoreUnavailable):
        ring.merchant(keys.header, 0.0, keys.look_up)


def test_a_known_key_is_not_looked_up_by_every_request_of_an_outage(keys: Keys, ring: KeyRing):
    ring.merchant(keys.header, 0.0, keys.look_up)
    keys.failure = FAILURES[0]
    for _ in range(5):
        ring.merchant(keys.header, KEY_CACHE_SECONDS, keys.look_up)

    assert keys.look_ups == 2


def test_a_revoked_key_stops_as_soon_as_postgresql_answers_and_has_no_grace(
    keys: Keys, ring: KeyRing
):
    ring.merchant(keys.header, 0.0, keys.look_up)
    keys.failure = FAILURES[0]
    ring.merchant(keys.header, KEY_CACHE_SECONDS, keys.look_up)
    keys.failure, keys.merchant = None, None
    with pytest.raises(KeyRefused):
        ring.merchant(keys.header, KEY_CACHE_SECONDS + RETRY_SECONDS, keys.look_up)
    keys.failure = FAILURES[0]

    with pytest.raises(StoreUnavailable):
        ring.merchant(keys.header, KEY_CACHE_SECONDS + RETRY_SECONDS + 1, keys.look_up)


def test_a_changed_policy_is_followed_once_the_key_is_no_longer_cached(keys: Keys, ring: KeyRing):
    ring.merchant(keys.header, 0.0, keys.look_up)
    keys.merchant = Merchant(7, "loja", Policy(when_not_stored="answer"))

    assert ring.merchant(keys.header, KEY_CACHE_SECONDS, keys.look_up) == keys.merchant


def test_of_too_many_keys_the_oldest_is_looked_up_again(
    keys: Keys, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.authentication.MOST_CACHED", 2)
    first = keys.header
    ring.merchant(first, 0.0, keys.look_up)
    for _ in range(2):
        keys.key = ApiKey.new()
        ring.merchant(keys.header, 0.0, keys.look_up)
    ring.merchant(keys.header, 0.0, keys.look_up)
    assert keys.look_ups == 3

    with pytest.raises(KeyRefused):
        ring.merchant(first, 0.0, keys.look_up)


def test_whose_a_key_is_is_known_without_a_look_up_once_it_was_found_valid(
    keys: Keys, ring: KeyRing
):
    assert ring.known(keys.header) is None
    ring.merchant(keys.header, 0.0, keys.look_up)

    assert ring.known(keys.header) == keys.merchant
    assert ring.known(f"Basic {keys.key.text}") is None
    assert ring.known(None) is None
    assert keys.look_ups == 1


@pytest.mark.parametrize("header", ["Bearer  {}", "Bearer \t \t{}", "bearer {}\t", "BEARER \xa0{}"])
def test_a_key_is_the_same_however_its_header_is_written(keys: Keys, ring: KeyRing, header: str):
    ring.merchant(keys.header, 0.0, keys.look_up)
    written = header.format(keys.key.text)

    assert ring.known(written) == keys.merchant
    assert ring.merchant(written, 1.0, keys.look_up) == keys.merchant
    assert keys.look_ups == 1


def test_a_key_that_was_revoked_is_known_no_more(keys: Keys, ring: KeyRing):
    ring.merchant(keys.header, 0.0, keys.look_up)
    keys.merchant = None
    with pytest.raises(KeyRefused):
        ring.merchant(keys.header, KEY_CACHE_SECONDS, keys.look_up)

    assert ring.known(keys.header) is None
