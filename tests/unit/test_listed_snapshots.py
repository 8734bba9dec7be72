"""How `ontem snapshots` says that a load stands."""

import json
from datetime import UTC, date, datetime, timedelta

from jobs.snapshot.listing import as_json, describe, listed_snapshots
from stores.offline.revisions import TaggedRevision
from stores.offline.runs import Slot
from stores.postgres.loads import LoadRow

MAY = date(2018, 5, 1)
PUBLISHED = datetime(2018, 6, 1, 4, tzinfo=UTC)


def a_load(load_id: int, published_at: datetime | None = PUBLISHED) -> LoadRow:
    as_of = MAY + timedelta(days=load_id)
    return LoadRow(
        as_of=as_of, cutoff=PUBLISHED, watermark=1, generation=1, timelines="t",
        entity_key_id="ours", revision=f"snapshots_t@{as_of}.r1", snapshot_id=load_id,
        metadata_location="", entities=1, checksum="", load_id=load_id, created_at=PUBLISHED,
        published_at=published_at,
    )  # fmt: skip


def states(rows: list[LoadRow], listed: list[LoadRow | None]) -> list[str]:
    found = listed_snapshots([], rows, key_id="ours", listed=listed)
    return [load.state for snapshot in found for load in snapshot.loads]


def test_a_load_that_newer_ones_took_the_place_of_is_not_called_lost() -> None:
    rows = [a_load(number) for number in range(1, 6)]

    replaced, published = "replaced by newer loads", "published 2018-06-01 04:00Z"
    assert states(rows, [*rows[2:]]) == [replaced] * 2 + [published] * 3


def test_what_redis_should_have_and_does_not_is_lost() -> None:
    rows = [a_load(1), a_load(2), a_load(3, published_at=None)]

    assert states(rows, [rows[0], None])[1:] == ["lost by Redis", "not finished"]
    assert states(rows, []) == ["lost by Redis", "lost by Redis", "not finished"]


def a_revision(facts: str) -> TaggedRevision:
    return TaggedRevision(
        slot=Slot("snapshots", "0a", "2018-06-02"), number=1, run="r", snapshot_id=7,
        committed_at=PUBLISHED, rows=30, bytes=2_000_000, facts=facts,
    )  # fmt: skip


def test_a_delta_is_told_from_a_full_snapshot() -> None:
    on = '{"parent": {"revision": "snapshots_0a@2018-06-01.r1", "snapshot_id": 5}}'
    delta, full = listed_snapshots([a_revision(on), a_revision("{}")], [], key_id="ours", listed=[])

    assert "delta on 2018-06-01.r1, 30 rows, 2.0 MB, committed" in describe(delta)
    assert "full, 30 rows, 2.0 MB, committed" in describe(full)
    assert json.loads(as_json(delta))["parent"] == "snapshots_0a@2018-06-01.r1"
    assert json.loads(as_json(full))["parent"] is None
