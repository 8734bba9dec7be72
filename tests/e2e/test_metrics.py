"""`GET /metrics` of a service with two processes, which are killed, replaced and refuse orders."""

import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import psutil
import pytest
from gunicorn.config import Config
from prometheus_client.parser import text_string_to_metric_families

from features_pkg.definitions.feature_set import FeatureSet
from service.app import Dependencies, create_app
from service.authentication import KeyRing
from service.head_checks import HeadChecks
from service.rate_limits import LEAST_BURST, RateLimits
from service.worker.gate import Lane
from service.worker.head import parse
from stores.postgres.connection import connect
from tests.e2e.conftest import NOON, Shop, a_shop, environment_of, fresh_store
from tests.e2e.in_process import until
from tests.e2e.running import RunningService, running_service

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def two_processes(
    service_database_url: str,
    service_redis_url: str,
    model_folder: Path,
    features: FeatureSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningService]:
    fresh_store(service_redis_url, features)
    environ = environment_of(service_database_url, service_redis_url, model_folder)
    log = tmp_path_factory.mktemp("metrics") / "log"
    with running_service(environ, log, "--workers", "2") as started:
        yield started


@pytest.fixture
def shop(
    two_processes: RunningService, service_database_url: str, features: FeatureSet
) -> Iterator[Shop]:
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        yield a_shop(two_processes, database, features, decision_without_score="block")


def scrape(service: RunningService) -> Series:
    """Every sample by its name and labels."""
    answer = service.client().send("GET", "/metrics")
    assert answer.status == 200, answer.content
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def rise(before: Series, after: Series, name: str, **labels: str) -> float:
    """By how much a series has risen; one that was not there was 0."""
    series = (name, tuple(sorted(labels.items())))
    return after.get(series, 0.0) - before.get(series, 0.0)


def an_order(order_id: str, amount_cents: int = 1990) -> dict[str, object]:
    return {"order_id": order_id, "amount_cents": amount_cents, "document": "52998224725"}


def test_an_evaluation_is_counted_and_measured_stage_by_stage(shop, two_processes):
    before = scrape(two_processes)
    for number in range(3):
        assert shop.evaluate(an_order(f"m{number}")).body["decision"] == "allow"
    after = scrape(two_processes)

    assert rise(before, after, "ontem_answers_total", endpoint="evaluate", status="200") == 3
    assert rise(before, after, "ontem_decisions_total", decision="allow", basis="score") == 3
    assert rise(before, after, "ontem_score_count") == 3
    assert rise(before, after, "ontem_request_seconds_count", endpoint="evaluate") == 3
    stages = {
        stage: rise(before, after, "ontem_stage_seconds_count", stage=stage)
        for stage in ("wait", "body", "key", "past", "vector", "score", "store")
    }
    assert stages == dict.fromkeys(stages, 3)
    parts = sum(rise(before, after, "ontem_stage_seconds_sum", stage=stage) for stage in stages)
    assert 0 < parts < rise(before, after, "ontem_request_seconds_sum", endpoint="evaluate")


def test_an_order_that_is_sent_again_is_no_second_decision(shop, two_processes):
    shop.evaluate(an_order("again"))
    before = scrape(two_processes)
    shop.evaluate(an_order("again"))
    after = scrape(two_processes)

    assert rise(before, after, "ontem_replays_total") == 1
    assert rise(before, after, "ontem_decisions_total", decision="allow", basis="score") == 0
    assert rise(before, after, "ontem_answers_total", endpoint="evaluate", status="200") == 1


def test_what_an_evaluation_lacks_is_counted_with_its_cause(shop, two_processes):
    before = scrape(two_processes)
    shop.evaluate(an_order("other day"), at="2031-06-01T15:00:00Z")
    after = scrape(two_processes)

    assert rise(before, after, "ontem_decisions_total", decision="block", basis="policy") == 1
    assert rise(before, after, "ontem_missing_parts_total", part="distant") == 1
    assert rise(before, after, "ontem_failures_total", part="distant", reason="no load") == 1
    assert rise(before, after, "ontem_score_count") == 0


def test_refusals_are_counted_by_code_in_the_loop_and_in_the_application(shop, two_processes):
    shop.evaluate(an_order("conflict"))
    before = scrape(two_processes)
    assert shop.evaluate(an_order("conflict", amount_cents=1)).status == 409
    assert shop.evaluate({"order_id": "lacks its amount"}).status == 422
    assert two_processes.client("no key").evaluate(an_order("x")).status == 401
    assert shop.client.send("GET", "/merchants/7").status == 404
    after = scrape(two_processes)

    for code in ("order_conflict", "field_refused", "key_refused", "not_found"):
        assert rise(before, after, "ontem_refusals_total", code=code) == 1, code


def test_processes_share_what_a_merchant_may_ask(
    two_processes: RunningService, service_database_url: str, features: FeatureSet
):
    before, started = scrape(two_processes), time.monotonic()
    with connect(service_database_url, application_name="test", autocommit=True) as database:
        limited = a_shop(two_processes, database, features, requests_per_second=1)
    bearer = {"Authorization": f"Bearer {limited.client.key}"}
    statuses = [
        two_processes.client().send("GET", "/evaluations?order_id=none", **bearer).status
        for _ in range(4 * LEAST_BURST)
    ]
    refused = statuses.count(429)

    # Each process lets the requests through whose key it does not know yet.
    assert len(statuses) - refused <= LEAST_BURST + 3 + (time.monotonic() - started)
    after = scrape(two_processes)
    assert rise(before, after, "ontem_refusals_total", code="rate_limited") == refused > 0


def test_what_all_processes_share_is_asked_for_each_page(online, two_processes):
    build = {
        name: dict(labels)
        for (name, labels), value in scrape(two_processes).items()
        if name == "ontem_build_info" and value == 1
    }
    assert build["ontem_build_info"]["model"] == "a-test-model"
    assert build["ontem_build_info"]["version"].startswith("0.1.")
    # `online` has emptied Redis.
    assert scrape(two_processes)["ontem_state_ok", (("thing", "snapshot"),)] == 0
    assert ("ontem_snapshot_age_days", ()) not in scrape(two_processes)
    today = datetime.now(ZoneInfo("America/Sao_Paulo")).date()
    online.publish(today - timedelta(days=3))
    now = scrape(two_processes)

    assert now["ontem_snapshot_age_days", ()] in (3, 4)  # 4 if midnight came in between
    assert now["ontem_snapshot_stale_days", ()] in (2, 3, 4)
    assert abs(now["ontem_clock_skew_seconds", ()]) < 1
    assert now["ontem_state_ok", (("thing", "postgresql"),)] == 1


def test_counts_survive_killed_and_replaced_processes_in_as_many_files(shop, two_processes):
    for number in range(20):
        assert shop.evaluate(an_order(f"k{number}")).status == 200
    master = psutil.Process(two_processes.process.pid)
    before, files = scrape(two_processes), shared_files(master)

    for process in master.children():
        process.kill()
    wait_for_processes(two_processes)
    assert lost_counts(before, scrape(two_processes)) == {}
    for _ in range(3):
        old = {process.pid for process in master.children()}
        two_processes.process.send_signal(signal.SIGHUP)
        until(
            lambda: {process.pid for process in master.children()},
            lambda pids, old=old: len(pids) == 2 and not pids & old,
        )
        wait_for_processes(two_processes)
        assert lost_counts(before, scrape(two_processes)) == {}

    counts_before = scrape(two_processes)
    assert (
        two_processes.client(shop.client.key).evaluate(an_order("after"), Ontem_Clock=NOON).status
        == 200
    )
    assert rise(counts_before, scrape(two_processes), "ontem_score_count") == 1
    # Two processes, and the two that followed them at a HUP; what lives has all three kinds.
    assert len(shared_files(master)) <= 2 * len(files)


def wait_for_processes(service: RunningService) -> None:
    """Wait until both processes live, and no dead one counts as one that does."""
    until(lambda: scrape(service).get(("ontem_processes", ())), lambda living: living == 2)


def shared_files(master: psutil.Process) -> set[str]:
    """The files in which the processes of a service count."""
    lock = next(file.path for file in master.open_files() if "ontem-metrics-" in file.path)
    return {file.name for file in Path(lock).parent.glob("*.db")}


def lost_counts(before: Series, after: Series) -> Series:
    """The counts that are less than they were."""
    is_count = ("_total", "_count", "_bucket", "_sum")
    return {
        series: value
        for series, value in before.items()
        if series[0].endswith(is_count) and after.get(series, -1) < value
    }


def test_metrics_are_answered_while_no_thread_is_free(shop, two_processes):
    """The lane of health checks answers them, so not the threads of requests."""
    app = create_app(cast(Dependencies, None))
    head = parse(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Config(), ("127.0.0.1", 1), 1)

    assert HeadChecks(app, KeyRing(), RateLimits()).check(head).lane is Lane.HEALTH


def test_a_stopped_service_leaves_no_file_behind(
    service_database_url: str, service_redis_url: str, model_folder: Path, tmp_path: Path
):
    environ = environment_of(service_database_url, service_redis_url, model_folder)
    with running_service(environ, tmp_path / "log") as service:
        lock = next(
            file.path
            for file in psutil.Process(service.process.pid).open_files()
            if "ontem-metrics-" in file.path
        )
        assert Path(lock).parent.is_dir()

    assert not Path(lock).parent.exists()


def test_a_full_log_disk_refuses_no_order(
    service_database_url: str,
    service_redis_url: str,
    model_folder: Path,
    features: FeatureSet,
):
    environ = environment_of(service_database_url, service_redis_url, model_folder)
    with (
        running_service(environ, Path("/dev/full")) as service,
        connect(service_database_url, application_name="test", autocommit=True) as database,
    ):
        shop = a_shop(service, database, features)
        for number in range(20):
            assert shop.evaluate(an_order(f"full{number}")).status == 200
        lost = scrape(service)["ontem_log_lines_dropped_total", (("cause", "output"),)]

        assert lost >= 20
