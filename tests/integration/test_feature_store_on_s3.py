"""The feature store of a bucket, found by the settings of the environment alone."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

from features_pkg import shuffle
from features_pkg.calendar import Calendar, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from jobs.snapshot.activity import Activity
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.snapshot.table import snapshots_table
from jobs.training_set.facts import LabelCounts, TrainingSetFacts, training_set_slot
from jobs.training_set.rows import training_schema, training_set_table
from ontem import FeatureStore
from ontem.feature_store.errors import LoadMissing, MerchantNotNamed, OnlineUnreadable
from stores.offline.commit import commit_run
from stores.offline.runs import Run, describe_files, provenance, run_folder
from stores.offline.table_definition import TableDefinition
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.clock import database_clock
from stores.postgres.connection import connect
from stores.redis.keys import GROUPS, Namespace
from stores.settings import Settings
from tests.e2e.published import OnlineStore
from tests.integration.imports import ENVIRON
from tests.s3 import S3Server, a_bucket

SUNDAY = date(2018, 5, 20)
CUTOFF = datetime(2018, 5, 20, 3, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "card_orders_7d_distant"
DELAYED = "card_orders_30d_delay_7d_distant"


@pytest.fixture
def settings(
    database_url: str,
    redis_url: str,
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """Those of a process whose offline store is a bucket."""
    monkeypatch.chdir(tmp_path)
    with a_bucket(s3) as bucket:
        environ = {
            **ENVIRON,
            **s3.variables,
            "ONTEM_POSTGRES_URL": database_url,
            "ONTEM_REDIS_URL": redis_url,
            "ONTEM_STORAGE_URL": f"s3://{bucket}/João [1]/50% and 1+1",
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield Settings.from_environ(environ)


def commit(store: OfflineStore, run: Run[Any], table: TableDefinition, rows: pa.Table) -> None:
    """Commit a run of one file that has these rows."""
    folder, content = run_folder(run.slot.dataset, run.id), io.BytesIO()
    pq.write_table(rows, content)
    store.files.write(f"{folder}/part-0.parquet", content.getvalue())
    files = describe_files(store.files, folder)
    commit_run(store, table, Run(slot=run.slot, id=run.id, files=files, facts=run.facts,
                                 provenance=run.provenance))  # fmt: skip


def commit_day(store: OfflineStore, features: FeatureSet, keys: EntityKeys) -> None:
    """The snapshot of Sunday: of one card an order ten days before, and two the day before."""
    calendar = Calendar(features.timezone)
    orders = [
        {"order_pk": n, "merchant_id": 1, "order_id": f"{n}", "event_us": to_us(at),
         "recorded_key": n, "amount_cents": 500, "card": "tok_1", "product": []}
        for n, at in enumerate((CUTOFF - 10 * DAY, CUTOFF - DAY, CUTOFF - DAY))
    ]  # fmt: skip
    rows = shuffle.keyed(pa.Table.from_pylist(orders, schema=shuffle.ORDER_ROWS), keys)
    exploded = shuffle.explode(rows, features.timeline_targets)
    timelines = shuffle.snapshot_timelines(exploded, features, calendar)
    day = pa.array([SUNDAY] * timelines.num_rows, pa.date32())
    facts = SnapshotFacts(
        as_of=SUNDAY,
        cutoff=CUTOFF,
        watermark=1,
        generation=1,
        timelines=features.timelines_id,
        feature_set=features.version,
        timezone=features.timezone,
        entity_key_id=keys.key_id,
        series="a run",
        activity=Activity.of({}, SUNDAY.toordinal()),
    )
    slot = snapshot_slot(features.timelines_id, SUNDAY)
    run = Run(slot=slot, id="a", files=(), facts=facts, provenance=provenance(at=CUTOFF, by="test"))
    commit(store, run, snapshots_table(features), timelines.add_column(0, "as_of", day))


def commit_training_set(
    store: OfflineStore, features: FeatureSet, values: Sequence[int | None]
) -> None:
    """A training set of orders with these values of a feature."""
    schema = training_schema(features)
    rows = pa.Table.from_pylist(
        [{"order_pk": n, "order_id": f"{n}", NAME: value} for n, value in enumerate(values)],
        schema=schema,
    )
    facts = TrainingSetFacts(
        first_day=SUNDAY,
        end_day=SUNDAY,
        labels_as_of=CUTOFF,
        label_maturity_days=7.0,
        timezone=features.timezone,
        snapshot_lag_seconds=14_400.0,
        feature_set=features.version,
        timelines=features.timelines_id,
        features=features.names,
        cutoff=CUTOFF,
        watermark_key=1,
        generation=1,
        orders=len(values),
        live=0,
        stale_left_out=0,
        stale_included=False,
        labels=LabelCounts(charged_back=0, honest=0, too_young=len(values), charged_back_late=0),
    )
    slot, made = training_set_slot(features.version), provenance(at=CUTOFF, by="test")
    run = Run(slot=slot, id=f"of {len(values)}", files=(), facts=facts, provenance=made)
    commit(store, run, training_set_table(features), rows)


def test_a_bucket_is_read_as_a_folder_is(settings: Settings) -> None:
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    keys, offline = EntityKeys(settings.entity_secret, features.timelines_id), open_store(settings)
    commit_day(offline, features, keys)
    for values in ((7,), (None, 0, 4)):
        commit_training_set(offline, features, values)

    with FeatureStore() as store:
        trained, sunday, described = (
            store.training_set(), store.snapshot(SUNDAY), store.describe(NAME)
        )  # fmt: skip
        older = store.training_set(1)

    assert trained.read([NAME])[NAME].to_pylist() == [None, 0, 4]
    assert older.read([NAME])[NAME].to_pylist() == [7]
    assert sum(piece.num_rows for piece in trained.batches(["order_id"])) == 3
    assert trained.lazy().select(NAME).collect()[NAME].to_list() == [None, 0, 4]
    (card,) = sunday.features([NAME, DELAYED]).to_pylist()
    entity = {"entity": keys.key(1, "card", "tok_1"), "identifier": "card"}
    assert card == {**entity, NAME: 2, DELAYED: 1}
    assert sunday.of_entities([card["entity"]])["orders_older_cents"].to_pylist() == [0]
    assert (described.null_rate.value, described.zero_rate.value) == (1 / 3, 1 / 3)
    assert described.entity_bytes.value is not None
    assert "is not known" not in described.entity_bytes.sentence


def test_whose_orders_they_are_is_said_unless_there_is_one_merchant(settings: Settings) -> None:
    with connect(settings.postgres_url, application_name="test") as connection, FeatureStore() as s:
        with pytest.raises(MerchantNotNamed, match="`ontem merchant create` makes one"):
            s.online({"card": "tok_1"})
        connection.execute("INSERT INTO merchants (name) VALUES ('one'), ('two')")
        connection.commit()
        with pytest.raises(MerchantNotNamed, match="there are one, two"):
            s.online({"card": "tok_1"})


def test_a_question_without_a_clock_is_asked_now(settings: Settings) -> None:
    with connect(settings.postgres_url, application_name="test") as connection:
        connection.execute("INSERT INTO merchants (name) VALUES ('one')")
        connection.commit()
        features = FeatureSet(settings.timezone, settings.snapshot_lag)
        now = database_clock(connection)
        due_day = Calendar(settings.timezone).due_day(to_us(now), settings.snapshot_lag)
        OnlineStore(settings.redis_url, features, settings.entity_secret).publish(
            date.fromordinal(due_day)
        )
        with FeatureStore() as store:
            (first, second) = (store.online({"card": "tok_1"}, "one").table for _ in range(2))
        after = database_clock(connection)

    instants = [table["asked_at"][0].as_py() for table in (first, second)]
    assert now <= instants[0] < instants[1] <= after
    assert first["card_orders_7d_distant"].to_pylist() == [0]


def test_a_redis_that_answers_otherwise_than_it_should_is_named(settings: Settings) -> None:
    with connect(settings.postgres_url, application_name="test") as connection:
        connection.execute("INSERT INTO merchants (name) VALUES ('one')")
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    namespace = Namespace.of(EntityKeys(settings.entity_secret, features.timelines_id))
    with redis.Redis.from_url(settings.redis_url) as client, FeatureStore() as store:
        with pytest.raises(LoadMissing, match="run `ontem night`"):
            store.online({"card": "tok_1"})
        client.mset({namespace.list_key(group): b"damaged" for group in range(GROUPS)})
        with pytest.raises(OnlineUnreadable, match=r"can't be read now \(list unreadable\)"):
            store.online({"card": "tok_1"})
