"""Any fault of a store: answered within the deadline, said so, normal soon after, nothing lost."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from service.evaluating import READ_SHARE
from service.rate_limits import LEAST_BURST
from service.server import THREADS, WAITING_PER_THREAD
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import connect
from stores.postgres.migrate import migrate
from tests.e2e.conftest import a_shop, environment_of, fresh_store
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.faulty_stores import a_fault, a_proxy_of, refused, through
from tests.e2e.outage import (
    DEADLINE_MS,
    DOCUMENT,
    MOST_SECONDS,
    Asked,
    Outage,
    restarted,
)
from tests.e2e.running import running_service
from tests.servers import own_stack

pytestmark = pytest.mark.faults
LARGE = 500_000
MORE_FILES = 4
"""Sockets that may be open beside those of before: one for each thread."""
ROOM = THREADS * (1 + WAITING_PER_THREAD)
"""How many requests the service has or lets wait."""
MOST_TURNS = 8
SMALL_DECISION, LARGE_DECISION = "allow", "block"


@pytest.fixture(scope="module")
def running(
    model_folder: Path, features: FeatureSet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outage]:
    """A service on a stack of its own, which all these tests share."""
    with ExitStack() as stack:
        own = stack.enter_context(own_stack())
        postgres_url = own.variables["ONTEM_POSTGRES_URL"]
        redis_url = own.variables["ONTEM_REDIS_URL"]
        migrate(postgres_url, environment="development")
        fresh_store(redis_url, features)
        postgres = stack.enter_context(a_proxy_of(postgres_url))
        redis = stack.enter_context(a_proxy_of(redis_url))
        environ = environment_of(
            through(postgres, postgres_url), through(redis, redis_url), model_folder
        )
        environ |= {"ONTEM_DEADLINE_MS": str(DEADLINE_MS), "ONTEM_HEALTH_TIMEOUT_MS": "1000"}
        log = tmp_path_factory.mktemp("faults") / "log"
        service = stack.enter_context(running_service(environ, log))
        database = stack.enter_context(
            connect(postgres_url, application_name="test", autocommit=True)
        )
        refuses, answers = (
            a_shop(
                service,
                database,
                features,
                when_not_stored=when_not_stored,
                decision_without_score=SMALL_DECISION,
                large_amount_cents=LARGE,
                decision_large_amount=LARGE_DECISION,
            )
            for when_not_stored in ("refuse", "answer")
        )
        yield Outage(own, postgres, redis, service, refuses, answers)


@pytest.fixture
def outage(running: Outage) -> Iterator[Outage]:
    """The service in its ordinary state; afterwards it is so again, and its rows are right."""
    running.wait_until_normal()
    yield running
    running.postgres.recover()
    running.redis.recover()


POSTGRES_FAULTS = {
    "frozen sessions": Outage.frozen_sessions,
    "frozen server": Outage.frozen_postgresql,
    "refused": lambda outage: refused(outage.postgres),
    "black hole": lambda outage: a_fault(outage.postgres, "hole"),
    "one byte at a time": lambda outage: a_fault(outage.postgres, "drip"),
    "answers swallowed": lambda outage: a_fault(outage.postgres, "silent"),
    "reset in mid-answer": lambda outage: a_fault(outage.postgres, "truncate"),
}
REDIS_FAULTS = {
    "frozen": Outage.frozen_redis,
    "refused": lambda outage: refused(outage.redis),
    "black hole": lambda outage: a_fault(outage.redis, "hole"),
    "one byte at a time": lambda outage: a_fault(outage.redis, "drip"),
    "answers swallowed": lambda outage: a_fault(outage.redis, "silent"),
    "reset": lambda outage: a_fault(outage.redis, "reset"),
    "reset in mid-answer": lambda outage: a_fault(outage.redis, "truncate"),
}


@pytest.mark.parametrize("fault", POSTGRES_FAULTS)
def test_without_postgresql_the_policy_answers_in_time_and_nothing_is_lost(
    outage: Outage, fault: str
):
    with POSTGRES_FAULTS[fault](outage):
        asked = outage.ask_all()
        large = outage.ask(outage.answers, amount_cents=LARGE)
    outage.wait_until_normal()

    for each in asked:
        if each.is_recorded:  # sessions that are frozen are left behind, and others work
            continue
        if each.shop is outage.refuses:
            assert (each.answer.status, each.answer.headers["retry-after"]) == (503, "1")
        else:
            assert each.answer.status == 200
            assert each.answer.body["recorded"] is False
    assert not asked[0].is_normal
    if large.answer.body["score"] is None:
        assert large.answer.body["decision"] == LARGE_DECISION
    outage.check_rows()


@pytest.mark.parametrize("fault", REDIS_FAULTS)
def test_without_redis_orders_are_stored_without_a_score_and_in_time(outage: Outage, fault: str):
    with REDIS_FAULTS[fault](outage):
        asked = outage.ask_all()
        large = outage.ask(outage.refuses, amount_cents=LARGE)
    outage.wait_until_normal()

    for each in asked:
        body = each.answer.body
        assert (each.answer.status, body["recorded"], body["missing"]) == (200, True, ["distant"])
        assert (body["score"], body["decision"]) == (None, SMALL_DECISION)
    assert large.answer.body["decision"] == LARGE_DECISION
    outage.check_rows()


def test_both_stores_frozen_at_once_are_waited_for_once(outage: Outage):
    """As many clients as the service has threads, at the same time."""
    with outage.frozen_redis(), outage.frozen_postgresql():
        shops = [outage.with_own_client(outage.answers) for _ in range(4)]
        clients = [
            threading.Thread(target=outage.ask, args=(shop, f"at once {number}"))
            for number, shop in enumerate(shops)
        ]
        started = time.monotonic()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        seconds = time.monotonic() - started
        asked = outage.ask_all()
        large = outage.ask(outage.answers, amount_cents=LARGE)
    outage.wait_until_normal()

    assert (asked[1].answer.body["decision"], large.answer.body["decision"]) == (
        SMALL_DECISION,
        LARGE_DECISION,
    )
    assert seconds < MOST_SECONDS
    assert [each.answer.status for each in asked] == [503, 200]
    assert asked[1].answer.body["missing"] == ["distant", "recent"]
    outage.check_rows()


def test_a_restart_of_both_is_over_when_they_are_back(outage: Outage):
    with restarted(outage):
        asked = outage.ask_all()
    outage.connect_again()
    outage.wait_until_normal()

    assert [each.answer.status for each in asked] == [503, 200]
    outage.check_rows()


def test_who_waits_too_long_makes_room_while_more_come_than_can_be_done(outage: Outage):
    """As many clients as the service has room for, so the queue is never full."""
    shops = [outage.with_own_client(outage.refuses) for _ in range(ROOM // 2)]
    shops += [outage.with_own_client(outage.answers) for _ in range(ROOM // 2)]

    def ask(number: int) -> list[Asked]:
        order_ids = [f"crowd {number} {turn}" for turn in range(MOST_TURNS)]
        return [outage.ask(shops[number], order_id) for order_id in order_ids]

    with a_fault(outage.postgres, "late"), ThreadPoolExecutor(ROOM) as clients:
        asked = [each for of_client in clients.map(ask, range(ROOM)) for each in of_client]
    outage.wait_until_normal()

    answers = [each.answer for each in asked]
    shed = [each for each in answers if each.body.get("code") == "overloaded"]
    assert 0 < len(shed) < len(answers)  # how many depends on how busy the machine is
    assert {(each.status, each.headers["retry-after"]) for each in shed} == {(503, "1")}
    assert max(each.seconds for each in asked) < MOST_SECONDS
    outage.check_rows()


@pytest.mark.parametrize("store", ["postgres", "redis"])
def test_a_store_that_flaps_each_second_is_as_before_in_the_end(outage: Outage, store: str):
    flaps(outage, getattr(outage, store), times=3)


@pytest.mark.long_faults
@pytest.mark.parametrize("store", ["postgres", "redis"])
def test_a_store_that_flaps_for_a_minute_is_as_before_in_the_end(outage: Outage, store: str):
    flaps(outage, getattr(outage, store), times=30)


def flaps(outage: Outage, proxy: FaultProxy, times: int) -> None:
    asked = outage.ask(outage.answers)
    files = outage.open_files()
    for number in range(2 * times):
        with ExitStack() if number % 2 else refused(proxy):
            until = time.monotonic() + 1
            while time.monotonic() < until:
                asked = outage.ask_next(asked)
                assert asked.answer.status == 200
                assert asked.seconds < MOST_SECONDS
    outage.wait_until_normal()
    outage.check_rows()
    assert outage.open_files() <= files + MORE_FILES


def test_what_was_stored_although_its_answer_was_lost_is_the_answer_when_sent_again(
    outage: Outage,
):
    """The server commits, and then nothing comes from it any more."""
    outage.postgres.silence_after = b"a-test-model"  # which the evaluation alone has
    lost = outage.ask(outage.answers)
    outage.postgres.recover()
    stored = outage.answers.stored("evaluation_id::text", lost.order_id)
    outage.wait_until_normal()
    again = outage.ask(outage.answers, lost.order_id)

    assert lost.answer.body["recorded"] is False
    assert stored == [(lost.answer.body["evaluation_id"],)]
    assert again.answer.headers["idempotent-replayed"] == "true"
    assert again.answer.body == lost.answer.body | {"recorded": True}


def test_a_key_is_valid_while_postgresql_is_away_and_an_unknown_one_is_not_refused(outage: Outage):
    key = ApiKey.new().text
    stranger = outage.service.client(key)
    order = {"order_id": "1", "amount_cents": 1, "document": DOCUMENT}
    with refused(outage.postgres):
        known = outage.ask(outage.answers)
        unknown = stranger.evaluate(order)
        garbage = outage.service.client(f"{key}0").evaluate(order)
    outage.wait_until_normal()

    assert known.answer.status == 200
    assert (unknown.status, unknown.headers["retry-after"]) == (503, "1")
    assert garbage.status == 401
    assert stranger.evaluate(order).status == 401


def test_a_merchant_s_limit_neither_opens_nor_closes_while_both_stores_are_away(outage: Outage):
    limited = outage.a_merchant(when_not_stored="answer", requests_per_second=1)
    outage.ask(limited)
    with refused(outage.postgres), refused(outage.redis):
        statuses = [outage.ask(limited).answer.status for _ in range(2 * LEAST_BURST)]
        other = outage.ask(outage.answers)
    outage.wait_until_normal()

    assert statuses[:LEAST_BURST] == [200] * LEAST_BURST
    assert 429 in statuses
    assert set(statuses) == {200, 429}
    assert other.answer.status == 200


def test_a_merchant_that_waits_less_than_the_service_gets_its_answer_sooner(outage: Outage):
    hurried = outage.a_merchant(when_not_stored="answer", deadline_ms=DEADLINE_MS // 10)
    outage.ask(hurried)
    with a_fault(outage.redis, "hole"):
        asked = outage.ask(hurried)
    outage.wait_until_normal()

    assert asked.answer.body["missing"] == ["distant"]
    assert asked.seconds < DEADLINE_MS / 1000 * READ_SHARE  # which others wait for Redis
