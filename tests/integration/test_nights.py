"""`ontem night` and its records, however a run ends, on real PostgreSQL, Redis and Spark."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from click.testing import CliRunner, Result
from pyiceberg.table import StaticTable

from jobs.errors import DayNotOver, Interrupted
from jobs.run_record import recorded
from jobs.snapshot import nights
from jobs.snapshot.errors import NoOrders, PeriodReversed
from jobs.snapshot.facts import snapshot_slot
from jobs.watermark import newest_readable_day
from ontem.cli import main
from stores.offline.revisions import newest_revision
from stores.offline.tables import open_store
from stores.postgres.loads import loads_of
from stores.postgres.runs import RunRow, newest_runs
from stores.redis.published import read_published
from tests.integration.history import History, a_job
from tests.integration.imports import ENVIRON
from tests.integration.night_shop import CUTOFF, HOUR, JUNE, NightShop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]
DAY = timedelta(days=1)
Commands = Callable[..., Result]


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> Iterator[NightShop]:
    with redis.Redis.from_url(redis_url) as client:
        history = History(database_url)
        job = a_job(database_url, redis_url, storage_url, spark)
        yield NightShop(history, replace(job, name="night"), client)


@pytest.fixture
def ontem(database_url: str, redis_url: str, storage_url: str) -> Commands:
    environ = environment(database_url, redis_url, storage_url)
    return lambda *words: CliRunner(env=environ).invoke(main, list(words))


def test_snapshots_are_listed_of_a_store_that_can_only_be_read(
    shop: NightShop, ontem: Commands, storage_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    shop.night()
    (hint,) = storage_folder.glob("tables/snapshots_*/metadata/version-hint.text")
    hint.unlink()  # who may write would write it again
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)

    refused, listed = ontem("night", "--as-of", f"{JUNE + DAY}"), ontem("snapshots")

    assert "may not write there" in refused.output
    assert listed.exit_code == 0, listed.output
    assert f"as of {JUNE}" in listed.output
    assert not hint.exists()


def environment(postgres_url: str, redis_url: str, storage_url: str) -> dict[str, str]:
    return {
        **ENVIRON,
        "ONTEM_POSTGRES_URL": postgres_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": bytes(range(32)).hex(),
    }


def runs(shop: NightShop) -> list[RunRow]:
    """The records, newest first."""
    with shop.history.connect() as connection:
        return list(newest_runs(connection, 100))


def published_days(shop: NightShop) -> list[date]:
    load_list = read_published(shop.client, shop.job.namespace).load_list
    return [date.fromordinal(load.as_of) for load in load_list.loads]


def test_a_night_is_recorded_with_what_it_made(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    nights.night(shop.job, JUNE)

    (run,) = runs(shop)
    assert (run.command, run.day, run.outcome, run.exit_code) == ("night", JUNE, "done", 0)
    assert (run.rows, run.written) == (2, 2)  # the card and the merchant
    assert run.load_id == 1
    assert run.revision is not None
    with shop.job.connect() as connection:
        (load,) = loads_of(connection, shop.timelines)
    state = StaticTable.from_metadata(load.metadata_location)
    assert state.scan(snapshot_id=load.snapshot_id).count() == 2
    assert run.bytes is not None
    assert run.bytes > 0
    assert run.ended_at is not None
    assert list(run.seconds) == [
        "extract what is new", "look for new events",
        "start Spark", "build the snapshot", "check the snapshot", "write to Redis",
    ]  # fmt: skip
    assert f"(process {os.getpid()})" in run.started_by
    assert run.timelines == shop.timelines
    assert run.entity_key_id == shop.job.namespace.key_id


def test_the_same_night_again_changes_nothing_and_says_so(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    nights.night(shop.job, JUNE)
    nights.night(shop.job, JUNE)

    again, first = runs(shop)
    assert (again.outcome, again.exit_code, again.written) == ("unchanged", 0, 0)
    assert (again.load_id, again.revision) == (first.load_id, first.revision)


def test_the_newest_day_can_be_run_at_once(shop: NightShop) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    job = replace(shop.job, clock=CUTOFF + timedelta(seconds=5, microseconds=1))
    nights.night(job, newest_readable_day(job.clock, job.calendar))
    assert published_days(shop) == [JUNE]


def test_after_days_without_a_night_requests_find_a_snapshot_within_the_lag_of_the_newest_day(
    shop: NightShop,
) -> None:
    shop.history.order(CUTOFF - 30 * DAY, card="c1")
    nights.night(shop.job, JUNE - 5 * DAY)
    nights.nights_of_now(replace(shop.job, clock=CUTOFF + HOUR))

    assert published_days(shop)[-2:] == [JUNE - DAY, JUNE]
    assert [(run.day, run.outcome) for run in runs(shop)][:2] == [
        (JUNE, "done"),
        (JUNE - DAY, "done"),
    ]


def test_a_refused_night_is_recorded_with_the_sentence_and_the_code(shop: NightShop) -> None:
    with pytest.raises(NoOrders) as refusal:
        nights.night(shop.job, JUNE)

    (run,) = runs(shop)
    assert (run.outcome, run.exit_code, run.error) == ("failed", 1, str(refusal.value))


def test_of_a_bug_only_its_kind_is_recorded_because_its_text_may_name_a_buyer(
    shop: NightShop,
) -> None:
    def end_by_a_bug() -> None:
        with recorded(shop.job, "night", JUNE) as recording:
            recording.result.rows = 5
            raise ValueError("ana@example.com")

    with pytest.raises(ValueError, match="ana@example"):
        end_by_a_bug()

    (run,) = runs(shop)
    assert (run.outcome, run.exit_code, run.error, run.rows) == ("failed", 1, "ValueError", 5)


def test_a_run_whose_session_is_gone_was_killed_and_one_that_has_it_is_running(
    shop: NightShop,
) -> None:
    with recorded(shop.job, "night", JUNE) as recording:
        (run,) = runs(shop)
        assert (run.run_id, run.outcome) == (recording.run_id, "running")
    with shop.history.connect() as connection:
        connection.execute("UPDATE runs SET outcome = NULL, ended_at = NULL, session_pid = 0")
    (run,) = runs(shop)
    assert run.outcome == "killed"


def test_a_record_is_completed_over_another_session_when_its_own_is_lost(shop: NightShop) -> None:
    with recorded(shop.job, "night", JUNE), shop.history.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(session_pid) FROM runs")

    assert [run.outcome for run in runs(shop)] == ["done"]


def test_a_stage_that_took_long_last_time_says_so_when_it_begins(shop: NightShop) -> None:
    said: list[str] = []
    job = replace(shop.job, say=said.append)
    with recorded(job, "night", JUNE) as recording:
        recording.timer.seconds.update({"wait": 2.0, "build": 71.4})
    with recorded(job, "night", JUNE + DAY) as recording:
        with recording.timer.stage("wait"):
            pass
        with recording.timer.stage("build"):
            pass

    assert said == ["  wait: 0.0 s", "  build ... (last time 71 s)", "  build: 0.0 s"]
    with recorded(job, "night", JUNE + DAY) as recording:
        assert recording.timer.last_seconds["build"] < 1
    with recorded(job, "night", JUNE + DAY) as recording:  # the one before had no such stage
        assert recording.timer.last_seconds["build"] < 1


def test_nights_of_several_days_are_run_in_order_and_those_that_are_done_stay(
    shop: NightShop,
) -> None:
    shop.history.order(CUTOFF - 9 * DAY, card="c1")
    nights.night(shop.job, JUNE + DAY)
    nights.nights(shop.job, JUNE, JUNE + 2 * DAY)
    nights.nights(shop.job, JUNE, JUNE + 2 * DAY)

    found = [(run.day, run.outcome, run.load_id) for run in reversed(runs(shop))]
    assert found == [
        (JUNE + DAY, "done", 1),
        (JUNE, "done", None),  # older than what is published: for the offline store alone
        (JUNE + DAY, "unchanged", 1),
        (JUNE + 2 * DAY, "done", 2),
        (JUNE, "unchanged", None),
        (JUNE + DAY, "unchanged", None),
        (JUNE + 2 * DAY, "unchanged", 2),
    ]
    assert published_days(shop) == [JUNE + DAY, JUNE + 2 * DAY]
    slot = snapshot_slot(shop.timelines, JUNE)
    assert newest_revision(open_store(shop.job.settings), slot) == 1


def test_a_back_fill_whose_last_day_has_not_begun_runs_no_night(shop: NightShop) -> None:
    job = replace(shop.job, clock=CUTOFF + HOUR)
    with pytest.raises(DayNotOver, match="2018-06-02"):
        nights.nights(job, JUNE, JUNE + DAY)
    assert runs(shop) == []


def test_a_back_fill_from_a_later_day_to_an_earlier_one_is_refused(shop: NightShop) -> None:
    with pytest.raises(PeriodReversed, match="2018-05-31 is before the first day 2018-06-01"):
        nights.nights(shop.job, JUNE, JUNE - DAY)


def test_one_day_and_several_are_refused_together(ontem: Commands) -> None:
    words = ("--as-of", "2018-06-01", "--backfill", "2018-06-01", "2018-06-02")
    result = ontem("night", *words)
    assert result.exit_code == 2
    assert "give one of them" in result.output


def test_the_list_of_nights_says_how_each_ended(shop: NightShop, ontem: Commands) -> None:
    assert ontem("nights").output == "no night yet: run one with `ontem night`\n"
    assert ontem("nights", "--json").output == ""
    job = replace(shop.job, clock=datetime(2018, 6, 1, 7, tzinfo=UTC))
    with recorded(job, "night", JUNE) as recording:
        recording.result.rows, recording.result.written = 1_820, 20
        recording.result.parent, recording.result.delta_rows = "snapshots_1@2018-05-31.r1", 30
        recording.result.active, recording.result.inactive = 1_700, 120
        recording.timer.seconds["build the snapshot"] = 34.74
    with pytest.raises(NoOrders), recorded(job, "night", JUNE + DAY):
        raise NoOrders(as_of=JUNE + DAY)

    lines = ontem("nights").output.splitlines()
    assert lines[0] == "run 2  night 2018-06-02  failed"
    assert lines[1].startswith("  exit code 1: there is no order before 2018-06-02")
    assert lines[2].endswith("from 2018-06-01 07:00:00Z to 2018-06-01 07:00:00Z")
    assert lines[3:7] == [
        "run 1  night 2018-06-01  done in 34.7 s",
        "  1,820 rows, 1,700 active, 120 inactive, 20 written, 1,800 unchanged",
        "  30 rows are new, beside snapshots_1@2018-05-31.r1",
        "  build the snapshot 34.7 s",
    ]
    (newest,) = ontem("nights", "--last", "1", "--json").output.splitlines()
    found = json.loads(newest)
    assert (found["run_id"], found["day"], found["outcome"]) == (2, "2018-06-02", "failed")
    assert found["started_at"] == found["ended_at"] == "2018-06-01T07:00:00+00:00"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_night_that_is_stopped_ends_in_a_sentence_and_the_next_one_finishes(
    shop: NightShop, number: signal.Signals, tmp_path: Path
) -> None:
    shop.history.order(CUTOFF - HOUR, card="c1")
    with a_night_process(shop, tmp_path) as process:
        assert process.stdout is not None
        assert next(process.stdout) == "night of 2018-06-01\n"
        while "start Spark" not in next(process.stdout):
            pass
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)

    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == (
        "ontem: interrupted: requests see what they saw before; run `ontem night` again, and it "
        "finishes what is left"
    )
    assert "Traceback" not in errors
    assert published_days(shop) == []
    nights.night(shop.job, JUNE)
    assert [run.outcome for run in runs(shop)] == ["done", "interrupted"]
    assert published_days(shop) == [JUNE]


def test_an_interrupted_run_ends_with_the_code_of_ctrl_c(shop: NightShop) -> None:
    with pytest.raises(Interrupted), recorded(shop.job, "night", JUNE):
        raise KeyboardInterrupt
    (run,) = runs(shop)
    assert (run.outcome, run.exit_code) == ("interrupted", 130)


def a_night_process(
    shop: NightShop, folder: Path
) -> "AbstractContextManager[subprocess.Popen[str]]":
    """`ontem night` as a scheduler starts it, in an empty project with the jars of this one."""
    (folder / ".ontem").mkdir()
    (folder / ".ontem" / "jars").symlink_to(PROJECT / ".ontem" / "jars")
    settings = shop.job.settings
    urls = (settings.postgres_url, settings.redis_url, settings.storage_url)
    return subprocess.Popen(
        [sys.executable, "-m", "jobs", "night", "--as-of", JUNE.isoformat()],
        cwd=folder,
        env=os.environ | environment(*urls) | {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
