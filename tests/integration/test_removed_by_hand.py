"""What somebody removed from the offline store: each reader says what to run, changing nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result
from pyiceberg.table import Table

from jobs.exit_codes import exit_code
from jobs.extract.errors import EventsMissing
from jobs.extract.facts import EVENTS, EventsFacts, KindCounts, committed_extractions, events_slot
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.night import publish_again, snapshot
from jobs.training_set.facts import training_set_slot
from ontem.cli import main
from stores.offline.commit import commit_run
from stores.offline.errors import RevisionMissing
from stores.offline.revisions import read_revision
from stores.offline.runs import Run, Slot, provenance
from stores.offline.tables import OfflineStore, find_table
from stores.postgres.loads import LoadRow, loads_of
from tests.integration.cleaning_shop import MADE_AT
from tests.integration.history import a_job
from tests.integration.publishing_shop import MAY, PublishingShop, days
from tests.model_keys import BOTH


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, storage_folder: Path
) -> Iterator[PublishingShop]:
    with redis.Redis.from_url(redis_url) as client:
        yield PublishingShop(a_job(database_url, redis_url, storage_url), client, storage_folder)


@pytest.fixture
def ontem(
    shop: PublishingShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    settings = shop.job.settings
    environ = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": settings.postgres_url,
        "ONTEM_REDIS_URL": settings.redis_url,
        "ONTEM_STORAGE_URL": settings.storage_url,
        "ONTEM_ENTITY_KEY": settings.entity_secret.hex(),
        **BOTH,
    }
    return lambda *words: CliRunner(env=environ).invoke(main, list(words))


def the_table(store: OfflineStore, slot: Slot) -> Table:
    table = find_table(store, slot.table)
    assert table is not None
    return table


def remove(store: OfflineStore, slot: Slot, number: int) -> None:
    """Remove a tag and its Iceberg snapshot, as anybody can with PyIceberg."""
    table = the_table(store, slot)
    snapshot_id = table.metadata.refs[slot.tag(number)].snapshot_id
    table.manage_snapshots().remove_tag(slot.tag(number)).commit()
    if table.metadata.current_snapshot_id != snapshot_id:
        table.maintenance.expire_snapshots().by_id(snapshot_id).commit()


def test_publish_and_night_name_the_night_that_builds_the_day_again(shop: PublishingShop) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    remove(shop.store, Slot("snapshots", shop.timelines, f"{days(1)}"), 1)
    shop.client.flushdb()
    said: list[str] = []

    with pytest.raises(RevisionMissing, match=f"run `ontem night --as-of {days(1)}`") as refused:
        publish_again(shop.job)
    assert exit_code(refused.value) == 1
    assert shop.listed() == [first.load_id]
    with pytest.raises(RevisionMissing, match=f"load {second.load_id} was made from it"):
        snapshot(replace(shop.job, say=said.append), days(1))
    assert "is given up" in said[-1]
    assert shop.listed() == [first.load_id]
    with shop.job.connect() as connection:
        withdrawn = [row.withdrawn_at for row in loads_of(connection, shop.timelines)]
    assert [at is None for at in withdrawn] == [True, False]


def test_an_older_snapshot_that_is_gone_stays_unpublished_and_the_newest_is_published(
    shop: PublishingShop,
) -> None:
    shop.night(MAY, c1=b"one")
    second = shop.night(days(1), c1=b"two")
    remove(shop.store, Slot("snapshots", shop.timelines, f"{MAY}"), 1)
    shop.client.flushdb()
    said: list[str] = []

    publish_again(replace(shop.job, say=said.append))

    assert shop.listed() == [second.load_id]
    assert any("stays unpublished" in line and "ontem night" in line for line in said)


def of_the_files(shop: PublishingShop, load: LoadRow) -> str:
    revision = read_revision(shop.store, load.revision, SnapshotFacts)
    return revision.files[0].key


def of_the_metadata(shop: PublishingShop, load: LoadRow) -> str:
    shop.committed(days(2), {})  # the table itself is whole
    return shop.store.files.key_of(load.metadata_location) or ""


def of_the_list(_: PublishingShop, load: LoadRow) -> str:
    return "runs/snapshots/r2/files.json"


@pytest.mark.parametrize("part", [of_the_files, of_the_metadata, of_the_list])
def test_a_published_day_whose_files_are_gone_is_not_called_done(
    shop: PublishingShop,
    ontem: Callable[..., Result],
    part: Callable[[PublishingShop, LoadRow], str],
) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    day = f"{days(1)}"
    assert "is published already" in ontem("publish").output
    gone = part(shop, second)
    shop.store.files.delete(gone)
    contents = shop.contents()

    for words in (("publish",), ("night", "--as-of", day), ("night", "--backfill", day, day)):
        refused = ontem(*words)
        assert refused.exit_code == 1, refused.output
        assert f"load {second.load_id} as of {day} is published, and the" in refused.stderr
        assert gone in refused.stderr
        assert f"run `ontem unpublish`, then `ontem night --as-of {day}`" in refused.stderr
    assert shop.contents() == contents
    assert shop.listed() == [first.load_id, second.load_id]

    assert ontem("unpublish").exit_code == 0
    again = shop.register(shop.committed(days(1), {"c1": b"two"}))
    shop.publish(again)
    assert f"load {again.load_id} as of {day} is published already" in ontem("publish").output


def extracted(shop: PublishingShop, *, from_key: int | None, to_key: int) -> None:
    facts = EventsFacts(
        from_key=from_key,
        to_key=to_key,
        database="d",
        generation=1,
        timelines=shop.timelines,
        environment="e",
        entity_key_id=shop.namespace.key_id,
        value_features=(),
        rows=KindCounts(),
    )
    made = provenance(at=MADE_AT, by="test")
    run = Run(slot=events_slot(shop.namespace), id=f"e{to_key}", files=(), facts=facts,
              provenance=made)  # fmt: skip
    commit_run(shop.store, EVENTS, run, adds=from_key is not None)


@pytest.mark.parametrize("harm", ["tag", "file list"])
def test_a_night_and_a_training_set_name_the_extraction_that_reads_everything(
    shop: PublishingShop, harm: str
) -> None:
    slot = events_slot(shop.namespace)
    for from_key, to_key in ((None, 5), (5, 7), (7, 9)):
        extracted(shop, from_key=from_key, to_key=to_key)
    if harm == "tag":
        remove(shop.store, slot, 2)
    else:
        shop.store.files.delete("runs/events/e7/files.json")

    with pytest.raises(EventsMissing, match="run `ontem extract --full`") as refused:
        committed_extractions(shop.store, slot)
    assert exit_code(refused.value) == 1
    assert set(the_table(shop.store, slot).metadata.refs) >= {"r1", "r3"}


def test_a_training_set_that_is_gone_is_not_trained_on(
    shop: PublishingShop, ontem: Callable[..., Result]
) -> None:
    slot = training_set_slot(shop.job.feature_set.version)
    result = ontem("train", "--training-set", "1")

    assert result.exit_code == 1
    assert f"there is no {slot.name(1)} in the offline store" in result.stderr
    assert "run `ontem training-set" in result.stderr


def test_the_list_of_snapshots_has_rows_bytes_and_loads(
    shop: PublishingShop, ontem: Callable[..., Result]
) -> None:
    assert "no snapshot yet" in ontem("snapshots").output
    first = shop.night(MAY, c1=b"one")
    second = shop.night(days(1), c1=b"one", c2=b"two")
    shop.committed(days(1), {"c1": b"a correction that is no load yet"})
    remove(shop.store, Slot("snapshots", shop.timelines, f"{MAY}"), 1)

    lines = ontem("snapshots").output.splitlines()
    table = f"snapshots_{shop.timelines}"
    assert lines[0] == f"as of {MAY}  {table}@{MAY}.r1  not in the offline store any more"
    assert lines[1].startswith(f"  load {first.load_id}  1 entities  published ")
    assert lines[2].startswith(f"as of {days(1)}  {table}@{days(1)}.r1  full, 2 rows, ")
    assert lines[3].startswith(f"  load {second.load_id}  2 entities  published ")
    assert lines[4].startswith(f"as of {days(1)}  {table}@{days(1)}.r2  full, 1 rows, ")
    assert len(lines) == 5
    gone, there, _ = map(json.loads, ontem("snapshots", "--json").output.splitlines())
    assert (gone["rows"], gone["loads"][0]["load_id"]) == (None, first.load_id)
    assert (there["as_of"], there["rows"], there["revision"]) == (
        f"{days(1)}", 2, f"{table}@{days(1)}.r1",
    )  # fmt: skip
    assert there["bytes"] > 0
    assert there["snapshot_id"] == second.snapshot_id
    assert [load["load_id"] for load in there["loads"]] == [second.load_id]
