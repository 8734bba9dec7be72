"""Extractions: what is new is appended to `events`, once, and names nobody."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from features_pkg.definitions.order_features import VALUE_FEATURES
from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, SINGLE_VALUED
from jobs.exit_codes import exit_code
from jobs.extract.copying import chunks
from jobs.extract.errors import (
    EventsBroken,
    EventsOfOtherDatabase,
    EventsOutdated,
    ExtractOvertaken,
)
from jobs.extract.facts import EVENTS, EventsFacts, KindCounts, committed_extractions, events_slot
from jobs.extract.rows import EVENT_ROWS, Chunk
from jobs.extract.run import ExtractResult, extract, lock_numbers
from jobs.extract.writing import Target, WrittenFile, write_chunks
from jobs.job import Job
from jobs.watermark import wait_for_rows
from ontem.cli import main
from stores.offline.commit import commit_run
from stores.offline.revisions import Revision
from stores.offline.runs import Run, verify_files
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.extractions import record_extraction
from stores.postgres.runs import newest_runs
from tests.integration.history import NOON, History, a_job
from tests.integration.imports import ENVIRON

DAY = timedelta(days=1)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "events.md"


class Shop:
    """A past, and the extractions of it."""

    def __init__(self, history: History, job: Job) -> None:
        self.history, self.job = history, job
        self.said: list[str] = []

    @property
    def store(self) -> OfflineStore:
        return open_store(self.job.settings)

    def extract(self, job: Job | None = None, *, full: bool = False) -> ExtractResult:
        job = replace(job or self.job, say=self.said.append)
        with job.connect() as connection:
            watermark = wait_for_rows(connection, say=job.say)
            return extract(job, connection, self.store, watermark, full=full)

    def extract_beside(self) -> None:
        """Commit what is new without the lock, as a job does that has lost its session."""
        store, slot = self.store, events_slot(self.job.namespace)
        last = committed_extractions(store, slot).revisions[-1]
        with self.job.connect() as connection:
            to_key = wait_for_rows(connection, say=self.job.say).key
            files = tuple(write(self, connection, last.facts.to_key, to_key))
        facts = replace(last.facts, from_key=last.facts.to_key, to_key=to_key)
        commit_run(store, EVENTS, another_run(last, facts=facts, files=files), adds=True)

    def rows(self, result: ExtractResult | None = None) -> list[dict[str, Any]]:
        """All rows of `events`, or those that belong to a result."""
        slot = events_slot(self.job.namespace)
        found = result.extractions if result else committed_extractions(self.store, slot)
        return [row for file in found.files for row in self.table(file.key).to_pylist()]

    def table(self, key: str) -> pa.Table:
        with self.store.files.open(key) as source:
            return pq.read_table(source)

    def whats(self) -> list[tuple[str, str]]:
        """Which kinds of rows there are of which orders."""
        with self.job.connect() as connection:
            names = dict(connection.execute("SELECT order_pk, order_id FROM orders").fetchall())
        return sorted((row["kind"], str(names[row["order_pk"]])) for row in self.rows())


@pytest.fixture
def shop(database_url: str, storage_url: str) -> Shop:
    return Shop(History(database_url), a_job(database_url, "redis://127.0.0.1:1", storage_url))


def test_an_extraction_appends_what_is_new(shop: Shop) -> None:
    shop.history.order(order_id="a", card="c1")
    first = shop.extract()
    shop.history.order(order_id="b", card="c1")
    shop.history.chargeback("a", NOON + DAY)
    shop.history.chargeback("a", NOON + 2 * DAY, kind="reversal")
    shop.history.evaluation("a", NOON + DAY)
    second = shop.extract()

    assert first.new is not None
    assert second.new is not None
    assert first.new.from_key is None
    assert second.new.from_key == first.new.to_key
    assert first.new.rows == KindCounts(order=1)
    assert second.new.rows == KindCounts(order=1, chargeback=1, reversal=1, evaluation=1)
    assert shop.whats() == [
        ("chargeback", "a"),
        ("evaluation", "a"),
        ("order", "a"),
        ("order", "b"),
        ("reversal", "a"),
    ]
    verify_files(shop.store.files, second.extractions.files)


def test_where_nothing_is_new_nothing_is_committed(shop: Shop) -> None:
    assert shop.extract().new is None
    assert shop.extract().extractions.number == 0
    shop.history.order()
    assert shop.extract().extractions.number == 1
    again = shop.extract()
    assert (again.new, again.extractions.number) == (None, 1)


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (3, 3), (64, 8)])
def test_no_more_processes_work_than_the_job_has_cores(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, cores: int, processes: int
) -> None:
    asked = []

    def write(rows: Iterator[Chunk], target: Target, processes: int) -> list[WrittenFile]:
        asked.append(processes)
        return write_chunks(rows, target, processes)

    monkeypatch.setattr("jobs.extract.run.write_chunks", write)
    shop.history.order()
    shop.extract(replace(shop.job, cores=cores))

    assert asked == [processes]


def test_a_row_says_what_the_order_is_without_naming_anybody(shop: Shop) -> None:
    values = {
        "email": "ana@gmail.com",
        "document": "52998224725",
        "phone": "+5511987654321",
        "zip_code": "01310100",
        "user": "u\n1",
        "device": 'd "1"',
        "card": "ç1, 2",
    }
    shop.history.order(order_id='o, "1"\n', product=["p", "q"], amount_cents=1234, **values)
    shop.extract()
    (row,) = shop.rows()
    keys = EntityKeys(shop.job.settings.entity_secret, shop.job.namespace.timelines)
    merchant = shop.history.merchant_id

    for name in SINGLE_VALUED:
        expected = keys.key(merchant, name, values[name]) if name in values else None
        assert row[name] == expected, name
    assert row["product"] == [keys.key(merchant, "product", value) for value in ("p", "q")]
    assert row[MERCHANT] == keys.key(merchant, MERCHANT, "")
    assert (row["order_id"], row["amount_cents"], row["event_at"]) == ('o, "1"\n', 1234, NOON)
    assert {name: row[name] for name in VALUE_FEATURES} == {
        "different_products": 2, "email_domain_kind": 1, "document_valid": 1,
        "document_is_company": 0, "phone_valid": 1, "zip_code_valid": 1,
        "phone_area_matches_zip_code": 1,
    }  # fmt: skip
    assert row["evaluated_at"] is None
    assert row["visible"] is None


def test_an_evaluation_is_part_of_its_order_or_a_row_of_its_own(shop: Shop) -> None:
    live = shop.history.live_order(NOON, order_id="live")
    shop.history.order(order_id="imported")
    shop.history.evaluation(live, NOON, missing=["recent"], stale_days=1, as_of=NOON.date())
    shop.extract()
    shop.history.evaluation("imported", NOON + DAY)
    shop.extract()
    rows = {(row["kind"], row["order_id"]): row for row in shop.rows()}
    mine, late = rows["order", "live"], rows["evaluation", None]

    assert (mine["evaluated_at"], mine["missing"], mine["stale_days"]) == (NOON, ["recent"], 1)
    assert mine["load_as_of"] == NOON.date()
    assert len(mine["visible"]) >= 3
    assert rows["order", "imported"]["evaluated_at"] is None
    assert (late["evaluated_at"], late["event_at"]) == (NOON + DAY, NOON + DAY)
    assert late["recorded_key"] == late["evaluation_key"]
    assert late["missing"] == []


def test_another_secret_has_extractions_of_its_own(shop: Shop) -> None:
    shop.history.order(card="c1")
    ours = shop.extract()
    other = replace(shop.job, settings=replace(shop.job.settings, entity_secret=b"another one" * 3))
    theirs = shop.extract(other)

    assert theirs.new is not None
    assert theirs.new.from_key is None
    assert theirs.new.entity_key_id == other.namespace.key_id
    (mine,), (other_row,) = shop.rows(ours), shop.rows(theirs)
    assert mine["card"] != other_row["card"]


def test_after_a_restore_everything_is_extracted_again(shop: Shop) -> None:
    shop.history.order(order_id="a")
    shop.extract()
    with shop.history.connect() as connection:
        connection.execute(
            "INSERT INTO generations SELECT 2, system_identifier, timeline_id FROM generations"
        )
    shop.history.order(order_id="b")
    result = shop.extract()

    assert result.new is not None
    assert (result.new.from_key, result.new.generation) == (None, 2)
    assert shop.whats() == [("order", "a"), ("order", "b")]
    assert (
        shop.said[-1] == "  PostgreSQL was restored or failed over: everything is extracted again"
    )


def test_events_of_another_database_are_not_continued(shop: Shop, empty_database_url: str) -> None:
    from stores.postgres.migrate import migrate

    shop.history.order(order_id="a")
    shop.extract()
    migrate(empty_database_url, environment="development")
    elsewhere = replace(
        shop.job, settings=replace(shop.job.settings, postgres_url=empty_database_url)
    )

    with pytest.raises(EventsOfOtherDatabase, match=r"@r1 was extracted from another"):
        shop.extract(elsewhere)
    assert shop.whats() == [("order", "a")]
    assert shop.extract(elsewhere, full=True).new is not None
    assert shop.rows() == []
    assert shop.extract(elsewhere).new is None


def recommitted(shop: Shop, change: Callable[[EventsFacts], EventsFacts]) -> None:
    """Commit the last extraction again with other facts."""
    last = committed_extractions(shop.store, events_slot(shop.job.namespace)).revisions[-1]
    again = another_run(last, facts=change(last.facts))
    commit_run(shop.store, EVENTS, again)
    with shop.job.connect() as connection:
        record_extraction(connection, again.id)


def another_run(last: Revision[EventsFacts], **changes: Any) -> Run[EventsFacts]:
    """A run that has what a revision has, but for some changes."""
    run = Run(
        slot=last.slot,
        id=f"{last.run}-again",
        files=last.files,
        facts=last.facts,
        provenance=last.provenance,
    )
    return replace(run, **changes)


def test_a_new_order_feature_needs_a_full_extraction(shop: Shop) -> None:
    shop.history.order(order_id="a")
    shop.extract()
    recommitted(shop, lambda f: replace(f, value_features=("phone_is_old", *f.value_features[1:])))

    with pytest.raises(
        EventsOutdated,
        match="without different_products, with phone_is_old, which is gone: run `ontem extract -",
    ):
        shop.extract()
    assert shop.extract(full=True).new is not None
    assert shop.whats() == [("order", "a")]


def test_a_gap_between_extractions_is_refused(shop: Shop) -> None:
    shop.history.order(order_id="a")
    shop.extract()
    recommitted(shop, lambda f: replace(f, from_key=f.to_key + 7, to_key=f.to_key + 9))

    with pytest.raises(EventsBroken, match="ontem extract --full"):
        shop.extract()
    assert shop.extract(full=True).new is not None
    assert shop.whats() == [("order", "a")]


def test_an_extraction_that_was_overtaken_commits_nothing(shop: Shop) -> None:
    """Its session was lost, and with it the lock."""
    shop.history.order(order_id="a")
    shop.extract()
    shop.history.order(order_id="b")
    with shop.job.connect() as connection:
        watermark = wait_for_rows(connection, say=shop.job.say)
        with pytest.raises(ExtractOvertaken, match=r"@r2 was committed by another job"):
            extract(shop.job, connection, meanwhile(shop, shop.extract_beside), watermark)

    assert shop.whats() == [("order", "a"), ("order", "b")]


def meanwhile(shop: Shop, event: Callable[[], object]) -> OfflineStore:
    """A store to which something happens once a run has written its files."""
    store = shop.store
    before = store.files.list("runs")
    events = [event]

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(store.catalogue, name)

        def load_table(self, identifier: Any) -> Any:
            if events and store.files.list("runs") != before:
                events.pop()()
            return store.catalogue.load_table(identifier)

    return OfflineStore(store.files, Watched())  # type: ignore[arg-type]


def write(
    shop: Shop, connection: Any, from_key: int | None, to_key: int, **how: int
) -> Iterator[Any]:
    settings, folder = shop.job.settings, f"runs/events/{how}-{from_key}"
    target = Target(shop.store.files, folder, settings.entity_secret, shop.job.namespace.timelines)
    processes = how.pop("processes", 1)
    written = write_chunks(chunks(connection, from_key, to_key, **how), target, processes)
    return (each.file for each in written)


def no_space() -> None:
    raise OSError(28, "no space")


def test_a_run_that_fails_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.history.order(order_id="a")
    shop.extract()
    shop.history.order(order_id="b")
    with shop.job.connect() as connection:
        watermark = wait_for_rows(connection, say=shop.job.say)
        with pytest.raises(OSError, match="no space"):
            extract(shop.job, connection, meanwhile(shop, no_space), watermark)

    assert shop.whats() == [("order", "a")]
    shop.extract()
    assert shop.whats() == [("order", "a"), ("order", "b")]


def test_a_run_that_fails_while_it_writes_can_be_repeated_in_its_session(
    shop: Shop, storage_folder: Path
) -> None:
    shop.history.order(order_id="a")
    (storage_folder / "runs").write_text("a file where a folder should be")
    with shop.job.connect() as connection:
        watermark = wait_for_rows(connection, say=shop.job.say)
        with pytest.raises(OSError, match="runs"):
            extract(shop.job, connection, shop.store, watermark)
        (storage_folder / "runs").unlink()
        assert extract(shop.job, connection, shop.store, watermark).new is not None
    assert shop.whats() == [("order", "a")]


def test_a_reader_that_stops_in_the_middle_leaves_the_session_usable(shop: Shop) -> None:
    for _ in range(5):
        shop.history.order()
    with shop.job.connect() as connection:
        to_key = wait_for_rows(connection, say=shop.job.say).key
        with closing(chunks(connection, None, to_key, rows=1)) as rows:
            next(rows)
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_another_job_that_extracts_is_waited_for(shop: Shop) -> None:
    shop.history.order(order_id="a")
    with shop.history.connect() as other, shop.job.connect() as connection:
        other.execute("SELECT pg_advisory_lock(%s, %s)", lock_numbers(shop.job.namespace))

        def release(sentence: str) -> None:
            shop.said.append(sentence)
            other.execute("SELECT pg_advisory_unlock_all()")

        watermark = wait_for_rows(connection, say=shop.job.say)
        job = replace(shop.job, say=release)
        assert extract(job, connection, shop.store, watermark).new is not None
        # And the lock is free again.
        other.execute("SELECT pg_advisory_lock(%s, %s)", lock_numbers(shop.job.namespace))
    assert shop.said == ["  waiting for another job that extracts"]


def test_the_command_says_what_it_did(
    shop: Shop, storage_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = {"ONTEM_POSTGRES_URL": shop.history.url, "ONTEM_STORAGE_URL": storage_url}
    shop.history.order(order_id="a")

    def ontem(*words: str) -> Result:
        return CliRunner(env={**ENVIRON, **own}).invoke(main, list(words))

    first, second, full = ontem("extract"), ontem("extract"), ontem("extract", "--full")

    assert (first.exit_code, second.exit_code, full.exit_code) == (0, 0, 0)
    assert "1 orders, 0 chargebacks, 0 reversals, 0 later evaluations" in first.output
    assert "@r1" in first.output
    assert "nothing is new since the last extraction" in second.output
    assert "@r2" in full.output
    with shop.history.connect() as connection:
        runs = list(reversed(newest_runs(connection, 10)))
    assert [(run.command, run.outcome, run.rows) for run in runs] == [
        ("extract", "done", 1), ("extract", "unchanged", None), ("extract", "done", 1),
    ]  # fmt: skip
    assert runs[0].revision is not None
    assert runs[0].revision in first.output
    assert list(runs[0].seconds) == ["extract"]
    assert "  extract 20" in ontem("nights").output


def test_an_extraction_that_is_refused_is_on_record(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    own = {"ONTEM_POSTGRES_URL": shop.history.url, "ONTEM_STORAGE_URL": f"file://{tmp_path}/file"}
    CliRunner(env={**ENVIRON, **own}).invoke(main, ["extract"])

    with shop.history.connect() as connection:
        (run,) = newest_runs(connection, 10)
    assert (run.outcome, run.exit_code) == ("failed", 1)
    assert "set ONTEM_STORAGE_URL" in str(run.error)


@pytest.mark.parametrize("processes", [1, 2])
def test_chunks_of_any_size_have_the_same_rows(shop: Shop, processes: int) -> None:
    for number in range(9):
        shop.history.order(order_id=f"o{number}", card=f"c{number}")
        shop.history.chargeback(f"o{number}", NOON + DAY)
    whole = shop.rows(shop.extract())
    with shop.job.connect() as connection:
        to_key = wait_for_rows(connection, say=shop.job.say).key
        files = list(write(shop, connection, None, to_key, rows=2, processes=processes))

    assert len(files) == 10
    assert [row for file in files for row in shop.table(file.key).to_pylist()] == whole


def test_the_secret_is_not_in_what_a_target_prints(shop: Shop) -> None:
    target = Target(shop.store.files, "runs/events/1", b"the secret of all", "timelines")

    assert repr(target) == f"Target({shop.store.files.url!r}, 'runs/events/1')"


def test_every_column_is_documented() -> None:
    page = DOCS.read_text(encoding="utf-8")
    columns = set(EVENT_ROWS.names) - set(IDENTIFIERS)

    assert [name for name in sorted(columns) if f"`{name}`" not in page] == []


def test_refusals_end_a_command_with_a_code() -> None:
    assert exit_code(EventsBroken(key="k", from_key=1, ended=2)) == 1
    assert exit_code(ExtractOvertaken(key="k")) == 5
