"""A past, and its nights one day after the other, as the tests of deltas run them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.calendar import Calendar, from_us, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import MERCHANT
from features_pkg.shuffle import explode, snapshot_timelines
from jobs.extract.facts import committed_extractions, events_slot
from jobs.extract.run import extract
from jobs.job import Job
from jobs.snapshot import nights
from jobs.snapshot.build import build_snapshot
from jobs.snapshot.chain import chain_of, entities_of
from jobs.snapshot.commit import SnapshotSource
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.stores import open_stores
from jobs.watermark import ReadBounds, wait_for_rows
from stores.offline.revisions import Revision, read_revision
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.recorded_key import recorded_key
from stores.postgres.runs import RunRow, newest_runs
from tests.integration.history import History
from tests.integration.night_shop import JUNE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = timedelta(days=1)
Made = Revision[SnapshotFacts]


def own_rows(store: OfflineStore, made: Made) -> list[pa.Table]:
    """The rows of each file of a snapshot, all of which are of its day, without that day."""
    tables = [pq.read_table(pa.BufferReader(store.files.read(file.key))) for file in made.files]
    assert all(set(table["as_of"].to_pylist()) == {made.facts.as_of} for table in tables)
    return [table.drop_columns(["as_of"]) for table in tables]


def chargebacks_by_order(rows: pa.Table) -> "defaultdict[int, list[tuple[int, int]]]":
    """The instant and the recorded key of each chargeback."""
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    columns = (rows[name].to_pylist() for name in ("order_pk", "event_us", "recorded_key"))
    for pk, at_us, key in zip(*columns, strict=True):
        found[pk].append((at_us, key))
    return found


def changed_entities(features: FeatureSet, paths: list[str], before: Made, made: Made) -> int:
    """How many entities have an event that one snapshot counts and another one does not.

    And the merchants of new orders. DuckDB counts them over the events.
    """
    queries = [f"SELECT {MERCHANT} AS entity FROM new WHERE kind = 'order'"]
    for identifier, event in features.timeline_targets:
        entity = f"unnest({identifier})" if identifier.several else f'"{identifier}"'
        queries.append(f"SELECT {entity} FROM new WHERE kind = '{event}'")
    first, second = (
        f"{{0}}event_at < make_timestamptz({to_us(facts.cutoff)})"
        f" AND {{0}}recorded_key < {recorded_key(facts.generation, facts.watermark)}"
        for facts in (before.facts, made.facts)
    )
    with duckdb.connect() as session:
        query = CHANGED.format(
            first=first.format("events."),
            second=second.format(""),
            entities=" UNION ALL ".join(queries),
        )
        ((count,),) = session.execute(query, [paths]).fetchall()
    return int(count)


CHANGED = """
WITH counted AS (SELECT * FROM read_parquet($1) WHERE {second}),
events AS (
    SELECT order_pk, kind, event_at, recorded_key FROM counted WHERE kind = 'order'
    UNION ALL
    SELECT order_pk, kind, event_at, recorded_key FROM counted WHERE kind = 'chargeback'
    QUALIFY row_number() OVER (PARTITION BY order_pk ORDER BY event_at, recorded_key) = 1
),
new AS (
    SELECT events.kind, counted.* EXCLUDE (kind) FROM events
    JOIN counted ON counted.order_pk = events.order_pk AND counted.kind = 'order'
    WHERE NOT ({first})
)
SELECT count(DISTINCT entity) FROM ({entities}) WHERE entity IS NOT NULL
"""


@dataclass
class DeltaShop:
    """A past, and its nights one day after the other."""

    history: History
    job: Job
    spark: "SparkSession"
    day: date = JUNE

    @property
    def cutoff(self) -> datetime:
        """The first instant of the day whose night was the last one."""
        return from_us(Calendar("America/Sao_Paulo").cutoff_us(self.day.toordinal()))

    def night(self, day: date | None = None, *, full: bool = False) -> Made:
        """The night of the next day (or another one); its snapshot."""
        self.day = day or self.day + DAY
        nights.night(self.job, self.day, full=full)
        run, made = self.run(), self.made()
        chain = chain_of(open_store(self.job.settings), made)
        parent = made.facts.parent
        assert run.parent == (None if parent is None else parent.revision)
        assert (run.rows, run.bytes) == (entities_of(chain), made.bytes)
        assert run.delta_rows == (None if parent is None else made.rows)
        activity = made.facts.activity
        assert (run.active, run.inactive) == (activity.active, activity.inactive)
        assert activity.active + activity.inactive == run.rows
        return made

    def made(self) -> Made:
        """The snapshot of the newest record."""
        revision = self.run().revision
        assert revision is not None
        return read_revision(open_store(self.job.settings), revision, SnapshotFacts)

    def night_is_right(self, day: date | None = None) -> str:
        """What the next night made: `full`, or how many rows a delta has; all of it is checked."""
        made = self.night(day)
        assert self.rows(made).equals(self.built(made))
        parent = self.parent(made)
        assert all(file.bounds_of("entity") for file in made.files)
        if parent is None:
            assert self.rows(made).num_rows == made.rows
            return "full"
        assert made.rows == changed_entities(self.job.feature_set, self.files(), parent, made)
        return str(made.rows)

    def parent(self, made: Made) -> Made | None:
        """What a snapshot is a delta on."""
        (_, *older) = chain_of(open_store(self.job.settings), made)
        return older[0] if older else None

    def files(self) -> list[str]:
        """The paths of all files of events since the newest full extraction."""
        store = open_store(self.job.settings)
        extracted = committed_extractions(store, events_slot(self.job.namespace))
        return [store.files.location(file.key) for file in extracted.files]

    def built(self, made: Made) -> pa.Table:
        """The rows that the events within the bounds of a snapshot have, without a night."""
        events = pa.concat_tables([pq.read_table(path) for path in self.files()])
        key = recorded_key(made.facts.generation, made.facts.watermark)
        counted = events.filter(
            (pc.field("event_at") < pa.scalar(made.facts.cutoff, pa.timestamp("us", "UTC")))
            & (pc.field("recorded_key") < key)
        )
        counted = counted.append_column("event_us", counted["event_at"].cast(pa.int64()))
        orders = counted.filter(pc.field("kind") == "order")
        lists = chargebacks_by_order(counted.filter(pc.field("kind") == "chargeback"))
        of_order = [sorted(lists[pk]) for pk in orders["order_pk"].to_pylist()]
        for position, name in enumerate(("chargeback_us", "chargeback_key")):
            column = [[each[position] for each in chargebacks] for chargebacks in of_order]
            orders = orders.append_column(name, pa.array(column, pa.list_(pa.int64())))
        features = self.job.feature_set
        rows = explode(orders, features.timeline_targets)
        return snapshot_timelines(rows, features, Calendar(features.timezone))

    def built_by_spark(self, made: Made) -> pa.Table:
        """The rows of the same snapshot when Spark builds it, as the next revision of its day."""
        facts = made.facts
        bounds = ReadBounds(facts.cutoff, facts.watermark, facts.generation)
        with open_stores(self.job) as stores:
            extracted = committed_extractions(stores.offline, events_slot(self.job.namespace))
            source = SnapshotSource(facts.as_of, bounds, extracted)
            return self.rows(build_snapshot(self.job, self.spark, stores, source))

    def rows(self, made: Made) -> pa.Table:
        """The newest row of each entity of a snapshot, by key; its own day is left out."""
        store = open_store(self.job.settings)
        tables = [table for link in chain_of(store, made) for table in own_rows(store, link)]
        rows, newest = pa.concat_tables(tables), dict[bytes, int]()
        for number, key in enumerate(rows["entity"].to_pylist()):
            newest.setdefault(key, number)
        return rows.take(list(newest.values())).sort_by("entity")

    def run(self) -> RunRow:
        """The newest record."""
        with self.history.connect() as connection:
            (run,) = newest_runs(connection, 1)
        return run

    def extract_fully(self) -> None:
        store = open_store(self.job.settings)
        with self.job.connect() as connection:
            watermark = wait_for_rows(connection, say=self.job.say)
            extract(self.job, connection, store, watermark, full=True)
