"""`ontem merchant`: merchants and their keys in PostgreSQL."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self

import pytest
from click.testing import CliRunner, Result
from psycopg import Cursor

from ontem.cli import main
from stores.policy import USUAL_POLICY, Policy
from stores.postgres.api_keys import KEY_CACHE_SECONDS, ApiKey
from stores.postgres.connection import Connection, connect
from stores.postgres.issued_keys import (
    KeysTooMany,
    KeyUnknown,
    issue_key,
    keys_of,
    revoke_key,
    rotate_key,
)
from stores.postgres.merchants import (
    MerchantExists,
    MerchantUnknown,
    add_merchant,
    authenticate,
    find_merchant,
)


@pytest.fixture
def database(database_url: str) -> Iterator[Connection]:
    with connect(database_url, application_name="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def ontem(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `ontem merchant …` against the test's database."""
    variables = {
        "ONTEM_POSTGRES_URL": database_url,
        "ONTEM_REDIS_URL": "redis://127.0.0.1:1/0",
        "ONTEM_STORAGE_URL": "file:///nowhere",
        "ONTEM_ENTITY_KEY": "00" * 32,
    }

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["merchant", *words], env=variables)

    return run


def test_a_new_merchant_gets_a_key_that_proves_it(ontem: Any, database: Connection):
    done = ontem("create", "loja", "--review-at", "0.3", "--decision-without-score", "allow")

    key = ApiKey.read(done.output.strip())
    assert key is not None
    found = authenticate(database, key)
    assert found is not None
    assert (found.name, found.policy) == (
        "loja",
        replace(USUAL_POLICY, review_at=0.3, decision_without_score="allow"),
    )


def test_a_policy_changes_where_options_say_so_and_is_printed(ontem: Any, database: Connection):
    ontem("create", "loja", "--review-at", "0.3")

    done = ontem("policy", "loja", "--block-at", "0.8", "--decision-without-score", "block")

    assert done.output == (
        "review at 0.3, block at 0.8, without score block, not stored refuse, "
        "at most 100 requests a second\n"
    )
    assert find_merchant(database, "loja").policy == Policy(
        0.3, 0.8, "block", requests_per_second=100
    )


def test_a_policy_without_options_is_printed_as_it_is(ontem: Any, database: Connection):
    ontem("create", "loja")

    sentence = (
        "review at 0.5, block at 0.9, without score review, not stored refuse, "
        "at most 100 requests a second\n"
    )
    assert ontem("policy", "loja").output == sentence
    assert find_merchant(database, "loja").policy == USUAL_POLICY


OUTAGE = ("--large-amount-cents", "5000", "--decision-large-amount", "block",
          "--when-not-stored", "answer", "--deadline-ms", "100",
          "--requests-per-second", "5")  # fmt: skip


@pytest.mark.parametrize("command", ["create", "policy"])
def test_what_a_merchant_wants_in_an_outage_is_kept_and_printed(
    ontem: Any, database: Connection, command: str
):
    if command == "policy":
        ontem("create", "loja")
    ontem(command, "loja", *OUTAGE)

    expected = Policy(
        large_amount_cents=5000,
        decision_large_amount="block",
        when_not_stored="answer",
        deadline_ms=100,
        requests_per_second=5,
    )
    assert find_merchant(database, "loja").policy == expected
    assert ontem("policy", "loja").output == (
        "review at 0.5, block at 0.9, without score review, from 5000 cents on block, "
        "not stored answer, deadline 100 ms, at most 5 requests a second\n"
    )


def test_none_takes_a_limit_away_and_what_is_left_out_stays(ontem: Any, database: Connection):
    ontem("create", "loja", *OUTAGE)
    limits = ("--large-amount-cents", "--deadline-ms", "--requests-per-second")
    ontem("policy", "loja", *(word for limit in limits for word in (limit, "none")))

    policy = find_merchant(database, "loja").policy
    assert (policy.large_amount_cents, policy.deadline_ms) == (None, None)
    assert policy.requests_per_second is None
    assert (policy.decision_large_amount, policy.when_not_stored) == ("block", "answer")


def test_a_refused_policy_leaves_the_old_one(ontem: Any, database: Connection):
    ontem("create", "loja")
    ontem("policy", "loja", "--review-at", "0.95")

    assert find_merchant(database, "loja").policy == USUAL_POLICY


def test_help_says_how_soon_a_service_follows(ontem: Any):
    for command in ("policy", "revoke"):
        assert f"within {KEY_CACHE_SECONDS} seconds" in " ".join(
            ontem(command, "--help").output.split()
        )


def test_a_second_key_works_beside_the_first_until_one_is_revoked(ontem: Any, database: Connection):
    first, second = (
        ApiKey.read(ontem(*words).output.strip())
        for words in (("create", "loja"), ("rotate", "loja"))
    )
    assert first
    assert second
    assert authenticate(database, first) == authenticate(database, second)

    assert ontem("revoke", "loja", first.key_id).exit_code == 0
    assert authenticate(database, first) is None
    assert authenticate(database, second) is not None


def test_a_third_key_is_refused_until_one_is_revoked(ontem: Any, database: Connection):
    first = ApiKey.read(ontem("create", "loja").output.strip())
    assert first
    assert ontem("rotate", "loja").exit_code == 0

    refused = ontem("rotate", "loja")

    assert refused.exit_code == 1
    assert refused.stderr.strip() == (
        "ontem: merchant 'loja' has 2 keys that work: look at `ontem merchant keys loja`, and "
        "revoke the one that is used no more with `ontem merchant revoke loja KEY_ID`"
    )
    assert len(keys_of(database, find_merchant(database, "loja"))) == 2

    ontem("revoke", "loja", first.key_id)
    assert ontem("rotate", "loja").exit_code == 0


def test_rotations_at_once_make_no_third_key(database_url: str, database: Connection):
    add_merchant(database, "loja")

    def rotate(_: int) -> bool:
        with connect(database_url, application_name="test", autocommit=True) as connection:
            try:
                rotate_key(connection, "loja")
            except KeysTooMany:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(rotate, range(6))) == [False] * 4 + [True] * 2


def test_keys_are_listed_by_their_ids_with_those_that_were_revoked(
    ontem: Any, database: Connection
):
    first, second = (
        ApiKey.read(ontem(*words).output.strip())
        for words in (("create", "loja"), ("rotate", "loja"))
    )
    assert first
    assert second
    issue_key(database, add_merchant(database, "other"))
    ontem("revoke", "loja", first.key_id)

    listed = ontem("keys", "loja").output

    minute = r"\d{4}-\d\d-\d\dT\d\d:\d\dZ"
    assert re.fullmatch(
        rf"{first.key_id}\tmade {minute}\trevoked {minute}\n"
        rf"{second.key_id}\tmade {minute}\tworks\n",
        listed,
    )
    assert first.secret not in listed


def test_the_secret_is_not_in_the_database(ontem: Any, database: Connection):
    text = ontem("create", "loja").output.strip()
    rows = database.execute("SELECT k::text FROM api_keys k").fetchall()

    key = ApiKey.read(text)
    assert key is not None
    assert key.secret not in str(rows)


def test_a_key_with_another_secret_is_refused(database: Connection):
    key = issue_key(database, add_merchant(database, "loja"))

    assert authenticate(database, ApiKey(key.key_id, ApiKey.new().secret)) is None


def test_a_key_with_another_secret_takes_the_same_steps_as_one_that_nobody_has(
    database: Connection,
):
    """So the time of a 401 does not tell whether a key's id is somebody's."""
    known = issue_key(database, add_merchant(database, "loja"))
    statements: list[Any] = []
    compared: list[int] = []

    class RecordingCursor(Cursor[Any]):
        def execute(self, query: Any, *values: Any, **options: Any) -> Self:
            statements.append(query)
            return super().execute(query, *values, **options)

    class RecordingKey(ApiKey):
        def proves(self, stored_hash: bytes) -> bool:
            compared.append(len(stored_hash))
            return super().proves(stored_hash)

    database.cursor_factory = RecordingCursor
    steps = []
    for key_id in (known.key_id, ApiKey.new().key_id):
        assert authenticate(database, RecordingKey(key_id, ApiKey.new().secret)) is None
        steps.append((statements.copy(), compared.copy()))
        statements.clear()
        compared.clear()

    assert steps[0] == steps[1]
    assert [len(each) for each in steps[0]] == [1, 1]


def test_the_merchants_are_listed_by_name_with_their_policies(ontem: Any):
    ontem("create", "b")
    ontem("create", "a", "--block-at", "0.75")
    lines = ontem("list").output.splitlines()

    assert [line.split("\t")[1] for line in lines] == ["a", "b"]
    assert "block at 0.75" in lines[0]


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("create", "loja"), "choose another name"),
        (("create", "other", "--review-at", "0.95"), "review_at <= block_at"),
        (("create", ""), "choose 1 to 128 printable characters"),
        (("create", " loja"), "without blanks around them"),
        (("create", "lo\nja"), "a merchant can't be called 'lo\\nja'"),
        (("create", "x" * 129), "choose 1 to 128"),
        (("rotate", "nobody"), "ontem merchant create nobody"),
        (("policy", "nobody", "--block-at", "0.8"), "ontem merchant create nobody"),
        (("policy", "loja", "--review-at", "0.95"), "review_at <= block_at"),
        (
            ("policy", "loja", "--deadline-ms", "5"),
            "choose a whole number from 10 to 60000, or none",
        ),
        (("policy", "loja", "--requests-per-second", "0"), "from 1 to 100000, or none"),
        (("create", "other", "--large-amount-cents", "9" * 16), "choose a whole number from 0 to"),
        (("keys", "nobody"), "ontem merchant create nobody"),
        (("revoke", "nobody", "000000000000"), "ontem merchant create nobody"),
        (("revoke", "loja", "000000000000"), "has no key '000000000000'"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(ontem: Any, words: tuple[str, ...], remedy: str):
    ontem("create", "loja")
    done = ontem(*words)

    assert done.exit_code == 1
    assert remedy in done.stderr


def test_a_key_of_another_merchant_is_not_revoked(database: Connection):
    loja, other = (add_merchant(database, name) for name in ("loja", "other"))
    key = issue_key(database, loja)

    with pytest.raises(KeyUnknown):
        revoke_key(database, other, key.key_id)
    assert authenticate(database, key) == loja


def test_names_are_unique_and_found_or_refused(database: Connection):
    loja = add_merchant(database, "loja")

    assert find_merchant(database, "loja") == loja
    with pytest.raises(MerchantExists):
        add_merchant(database, "loja")
    with pytest.raises(MerchantUnknown):
        find_merchant(database, "lojinha")
