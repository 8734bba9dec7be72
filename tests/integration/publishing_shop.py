"""A job on real servers whose snapshots a test states, and what a request would read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import redis

from features_pkg.entity_keys import EntityKeys
from jobs.job import Job, StageTimer
from jobs.snapshot.activity import Activity
from jobs.snapshot.chain import chain_of, entities_of, files_of
from jobs.snapshot.checks import checksum_of
from jobs.snapshot.facts import DATASET, SnapshotFacts, snapshot_slot
from jobs.snapshot.publish import list_entry, publish
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.table import snapshots_table
from stores.offline.commit import commit_run
from stores.offline.runs import DataFile, Run, describe_files, provenance, run_folder
from stores.offline.tables import open_store
from stores.postgres.loads import (
    LoadRow,
    NewLoad,
    loads_of,
    register_load,
)
from stores.redis.published import read_published
from tests.online import timeline_at, write_load

MAY = date(2018, 5, 1)
Timelines = Mapping[str, bytes]


def snapshot_rows(
    as_of: date, entities: Sequence[bytes | None], timelines: Sequence[bytes | None]
) -> pa.Table:
    """Rows of a snapshot's file: cards and what is said of them."""
    columns = {
        "as_of": pa.array([as_of] * len(entities), pa.date32()),
        "entity": pa.array(entities, pa.binary()),
        "identifier": pa.array(["card"] * len(entities)),
        "timeline": pa.array(timelines, pa.binary()),
    }
    return pa.table(columns)


class PublishingShop:
    """A job on real servers, and what a request would read."""

    def __init__(self, job: Job, client: "redis.Redis", root: Path) -> None:
        self.job, self.client, self.root = job, client, root
        self.namespace = job.namespace
        self.timelines = job.namespace.timelines
        self.store = open_store(job.settings)
        self._keys = EntityKeys(job.settings.entity_secret, self.timelines)
        self.runs = 0

    def key(self, name: str) -> bytes:
        return self._keys.key(1, "card", name)

    def committed(self, as_of: date, timelines: Timelines, **facts: Any) -> NewLoad:
        """A committed snapshot that says this of some cards; of one that is not sound it is all."""
        self.runs += 1
        folder = run_folder(DATASET, f"r{self.runs}")
        (self.root / folder).mkdir(parents=True)
        rows = sorted((self.key(name), content) for name, content in timelines.items())
        table = snapshot_rows(as_of, [key for key, _ in rows], [content for _, content in rows])
        pq.write_table(table, self.root / folder / "part-0.parquet")
        return self.commit_files(as_of, describe_files(self.store.files, folder), **facts)

    def commit_files(
        self,
        as_of: date,
        files: tuple[DataFile, ...],
        *,
        is_sound: bool = True,
        **facts: object,
    ) -> NewLoad:
        cutoff = datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
        values: dict[str, object] = {
            "as_of": as_of,
            "cutoff": cutoff,
            "watermark": 1,
            "generation": 1,
            "timelines": self.timelines,
            "feature_set": self.job.feature_set.version,
            "timezone": "America/Sao_Paulo",
            "entity_key_id": self.namespace.key_id,
            "series": "a run",
            "activity": Activity.of({}, as_of.toordinal()),
        }
        run = Run(
            slot=snapshot_slot(self.timelines, as_of),
            id=f"r{self.runs}",
            files=files,
            facts=SnapshotFacts(**(values | facts)),  # type: ignore[arg-type]
            provenance=provenance(at=cutoff, by="test"),
        )
        built = commit_run(self.store, snapshots_table(self.job.feature_set), run)
        chain = chain_of(self.store, built) if is_sound else (built,)
        return NewLoad(
            as_of=as_of,
            cutoff=cutoff,
            watermark=1,
            generation=1,
            timelines=self.timelines,
            entity_key_id=str((values | facts)["entity_key_id"]),
            revision=built.name,
            snapshot_id=built.snapshot_id,
            metadata_location=built.metadata_location,
            entities=entities_of(chain),
            checksum=checksum_of(files_of(chain)),
        )

    def register(self, load: NewLoad) -> LoadRow:
        with self.job.connect() as connection:
            return register_load(connection, load)

    def publish(self, row: LoadRow) -> int:
        with self.job.connect() as connection:
            stores = OpenStores(connection, self.client, self.store)
            published = read_published(self.client, self.namespace)
            return publish(self.job, stores, row, published, StageTimer(self.job.say))

    def night(self, as_of: date, **timelines: bytes) -> LoadRow:
        """A snapshot, committed and published."""
        row = self.register(self.committed(as_of, timelines))
        self.publish(row)
        return row

    def listed(self) -> list[int]:
        published = read_published(self.client, self.namespace)
        return [load.load_id for load in published.load_list.loads]

    def sees(self, name: str, load_id: int) -> bytes | None:
        """What a request that resolved `load_id` reads of a card."""
        return timeline_at(self.client, self.namespace, self.key(name), load_id)

    def contents(self) -> dict[bytes, bytes]:
        """All that is in Redis but the fences, which name a run."""
        keys: list[bytes] = self.client.keys("*")  # type: ignore[assignment]
        contents: list[bytes] = self.client.mget(keys)  # type: ignore[assignment]
        return {k: v for k, v in zip(keys, contents, strict=True) if not k.endswith(b"fence")}

    def loads(self) -> list[LoadRow]:
        with self.job.connect() as connection:
            return list(loads_of(connection, self.timelines))


def days(n: int) -> date:
    return MAY + timedelta(days=n)


def killed_while_writing(shop: PublishingShop, row: LoadRow, timelines: Timelines) -> None:
    """What a loader leaves that dies after some writes and before the list."""
    load = list_entry(row, read_published(shop.client, shop.namespace).load_list)
    entities = {shop.key(name): content for name, content in timelines.items()}
    write_load(shop.client, shop.namespace, load, entities, is_whole=False)
