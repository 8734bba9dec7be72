"""A night adds what is new to the snapshot before; the rows are those that would be built anew."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jobs.snapshot.delta
import jobs.snapshot.night
import jobs.snapshot.parent
import jobs.snapshot.visits
from jobs.errors import Interrupted
from jobs.extract.errors import EventsDamaged, EventsMissing
from jobs.snapshot import nights
from jobs.snapshot.table import snapshots_table
from jobs.snapshot.withdraw import unpublish
from stores.offline.errors import FileDamaged
from stores.offline.tables import open_store
from stores.postgres.runs import newest_runs
from tests.integration.delta_shop import DAY, DeltaShop
from tests.integration.history import History, a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_url: str, spark: "SparkSession") -> DeltaShop:
    """A shop whose past has a bit of everything, with a published night."""
    job = replace(a_job(database_url, redis_url, storage_url, spark), name="night")
    shop = DeltaShop(History(database_url), job, spark)
    for number in range(20):
        at = CUTOFF - number * 8 * DAY - HOUR
        shop.history.order(at, order_id=f"past{number}", card=f"c{number % 3}", user="u")
    shop.history.chargeback("past5", CUTOFF - 2 * DAY)
    assert shop.night_is_right(JUNE) == "full"
    return shop


def without_spark(shop: DeltaShop) -> list[str]:
    """Let no night of the shop start Spark; what its jobs say."""
    said: list[str] = []
    settings = shop.job.settings
    job = a_job(settings.postgres_url, settings.redis_url, settings.storage_url)
    shop.job = replace(job, name="night", say=said.append)
    return said


def test_a_night_without_a_new_event_writes_no_row_and_says_so(shop: DeltaShop) -> None:
    before, said = shop.run(), without_spark(shop)

    assert [shop.night_is_right(), shop.night_is_right()] == ["0", "0"]

    run = shop.run()
    assert (run.outcome, run.rows, run.delta_rows, run.written) == ("done", before.rows, 0, 0)
    assert list(run.seconds) == [
        "extract what is new", "look for new events", "check the snapshot", "write to Redis",
    ]  # fmt: skip
    assert "  no event is new since the snapshot of 2018-06-02" in said


def test_every_order_is_added_however_late_it_comes(shop: DeltaShop) -> None:
    history, rows = shop.history, {}
    without_spark(shop)
    rows["nothing"] = shop.night_is_right()
    history.order(shop.cutoff + HOUR, card="c1", product=["a", "b"])
    rows["an order of the day"] = shop.night_is_right()
    history.order(shop.cutoff + DAY, order_id="at the cutoff", card="c1")
    rows["an order at the next cutoff"] = shop.night_is_right()
    rows["that order a day later"] = shop.night_is_right()
    history.order(shop.cutoff + DAY - MICROSECOND, card="c1", email="e")
    rows["an order just before the cutoff"] = shop.night_is_right()
    history.order(shop.cutoff - MICROSECOND, card="c1")
    rows["an order before midnight that was stored after it"] = shop.night_is_right()
    history.order(shop.cutoff - 300 * DAY, card="c2")
    rows["older history, of before the merchant's first order"] = shop.night_is_right()
    history.evaluation("past1", shop.cutoff - DAY, missing=["recent"])
    rows["an imported order that was posted later"] = shop.night_is_right()

    assert rows == {
        "nothing": "0",
        "an order of the day": "4",  # and the merchant's own
        "an order at the next cutoff": "0",
        "that order a day later": "2",
        "an order just before the cutoff": "3",
        "an order before midnight that was stored after it": "2",
        "older history, of before the merchant's first order": "2",
        "an imported order that was posted later": "0",  # its evaluation is no event
    }


def test_every_first_chargeback_is_added_until_one_comes_before_it(shop: DeltaShop) -> None:
    history, rows = shop.history, {}
    job, said = shop.job, without_spark(shop)
    history.chargeback("past15", CUTOFF - 15 * 8 * DAY - HOUR + 119 * DAY)
    rows["a chargeback on day 119"] = shop.night_is_right()
    history.chargeback("past10", shop.cutoff + DAY + HOUR)
    rows["a chargeback after the next cutoff"] = shop.night_is_right()
    rows["that chargeback a day later"] = shop.night_is_right()
    history.chargeback("past10", shop.cutoff - HOUR)
    history.order(shop.cutoff + HOUR, order_id="returned", card="c7")
    history.chargeback("returned", shop.cutoff + 3 * HOUR)
    history.chargeback("returned", shop.cutoff + 2 * HOUR)
    rows["a repeated chargeback, and two of a new order"] = shop.night_is_right()
    history.chargeback("past10", shop.cutoff - DAY, kind="reversal")
    rows["a reversal"] = shop.night_is_right()
    history.chargeback("waits", shop.cutoff - 5 * DAY)
    rows["a chargeback without an order"] = shop.night_is_right()
    history.order(shop.cutoff - 6 * DAY, order_id="waits", card="c9")
    rows["the order of that chargeback"] = shop.night_is_right()

    assert rows == {
        "a chargeback on day 119": "2",
        "a chargeback after the next cutoff": "0",
        "that chargeback a day later": "2",
        "a repeated chargeback, and two of a new order": "2",
        "a reversal": "0",  # no timeline has any
        "a chargeback without an order": "0",
        "the order of that chargeback": "2",
    }
    history.chargeback("past10", shop.cutoff - 20 * DAY)
    shop.job = replace(job, say=said.append)
    assert shop.night_is_right() == "full"
    assert any("before the one that was known came of 1 orders" in each for each in said)


def test_spark_makes_the_same_of_it(shop: DeltaShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.snapshot.delta, "FEW_EVENTS", 0)
    shop.history.order(shop.cutoff + HOUR, card="c1", email="e", product=["a", "b"])
    shop.history.order(shop.cutoff - 200 * DAY, card="c9")
    shop.history.chargeback("past2", shop.cutoff + HOUR)

    assert shop.night_is_right() == "8"

    made = shop.night()
    assert shop.rows(made).equals(shop.built_by_spark(made))
    assert not any("shuffled" in key for key in open_store(shop.job.settings).files.list("runs"))


def nights_with_an_order(shop: DeltaShop, number: int) -> list[str]:
    """What each of so many nights made, with an order of a card, an e-mail and the merchant."""
    made = []
    for card in range(number):
        shop.history.order(shop.cutoff + HOUR, card=f"c{card}", email="e")
        made.append(shop.night_is_right())
    return made


def test_a_long_chain_is_merged_into_one_snapshot(
    shop: DeltaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.snapshot.parent, "MOST_LINKS", 3)
    assert nights_with_an_order(shop, 4) == ["3", "3", "full", "3"]
    run = shop.run()
    with shop.history.connect() as connection:
        merged = newest_runs(connection, 2)[1]
    assert (list(merged.seconds)[3], merged.parent) == ("merge the chain", None)
    assert run.parent == merged.revision


def test_many_rows_of_deltas_are_merged_too(
    shop: DeltaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.snapshot.parent, "FEW_ROWS", 2)
    assert nights_with_an_order(shop, 2) == ["3", "full"]


def test_a_merged_snapshot_has_parts_for_all_orders_by_now(
    shop: DeltaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shop.made()
    for name, number in (("parent.MOST_LINKS", 1), ("delta.parts_of", lambda orders, _: orders)):
        monkeypatch.setattr(f"jobs.snapshot.{name}", number)
    shop.history.order(shop.cutoff + HOUR, card="c1")

    assert shop.night_is_right() == "full"  # 21 orders in as many parts, of which some are empty
    assert len(shop.made().files) > len(full.files)


def test_a_chargeback_that_changes_no_entity_is_a_night_without_rows(shop: DeltaShop) -> None:
    without_spark(shop)
    shop.history.order(shop.cutoff + HOUR, order_id="of nobody")
    assert shop.night_is_right() == "1"  # the merchant
    shop.history.chargeback("of nobody", shop.cutoff + HOUR)
    assert shop.night_is_right() == "0"


def test_full_builds_all_events(shop: DeltaShop) -> None:
    said: list[str] = []
    shop.job = replace(shop.job, say=said.append)
    made = shop.night(full=True)

    assert made.facts.parent is None
    assert "  so it was asked for: this snapshot is built of all events" in said
    assert shop.rows(made).equals(shop.built(made))
    assert shop.night_is_right() == "0"


def test_what_was_extracted_anew_is_built_anew(shop: DeltaShop) -> None:
    shop.extract_fully()
    assert [shop.night_is_right(), shop.night_is_right()] == ["full", "0"]
    with shop.history.connect() as connection:
        connection.execute(
            "INSERT INTO generations SELECT 2, system_identifier, timeline_id FROM generations"
        )
    assert [shop.night_is_right(), shop.night_is_right()] == ["full", "0"]


def test_another_secret_or_zone_builds_its_own(shop: DeltaShop) -> None:
    job = shop.job
    for changed in ({"entity_secret": bytes(range(1, 33))}, {"timezone": "UTC"}):
        shop.job = replace(job, settings=replace(job.settings, **changed))  # type: ignore[arg-type]
        assert shop.night().facts.parent is None
        assert shop.night().facts.parent is not None
    shop.job = job
    assert shop.night_is_right() == "0"


def test_other_libraries_or_columns_build_anew(
    shop: DeltaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    shop.job = replace(shop.job, say=said.append)
    with monkeypatch.context() as patch:
        patch.setattr(jobs.snapshot.parent, "library_versions", lambda: {"tzdata": "2099.1"})
        assert shop.night_is_right() == "full"
    assert any("made with other versions of numpy, pyarrow" in each for each in said)
    assert shop.night_is_right() == "0"
    with monkeypatch.context() as patch:
        table = snapshots_table(shop.job.feature_set)
        more = replace(table, columns=table.columns.append(pa.field("new", pa.int64())))
        patch.setattr(jobs.snapshot.parent, "snapshots_table", lambda _: more)
        assert shop.night_is_right() == "full"


def test_a_withdrawn_snapshot_is_nobodys_parent(shop: DeltaShop) -> None:
    first = shop.night()
    shop.history.order(shop.cutoff + HOUR, card="c1")
    wrong = shop.night()
    unpublish(shop.job)
    again = shop.night(shop.day)

    assert again.name != wrong.name
    parent = shop.parent(again)
    assert parent is not None
    assert parent.name == first.name
    assert again.rows == 2


def interrupted(*_: object) -> int:
    """Ctrl-C, in place of publishing."""
    raise KeyboardInterrupt


def test_an_unfinished_load_on_a_withdrawn_one_is_made_again(
    shop: DeltaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.night()
    shop.history.order(shop.cutoff + HOUR, card="c1")
    shop.night()
    with monkeypatch.context() as patch:
        patch.setattr(jobs.snapshot.night, "publish", interrupted)
        with pytest.raises(Interrupted):
            shop.night()
    unpublish(shop.job)

    made = shop.night(shop.day)

    parent = shop.parent(made)
    assert parent is not None
    assert parent.name == first.name
    assert made.name.endswith(f"{shop.day}.r2")
    assert shop.rows(made).equals(shop.built(made))


def test_a_night_after_many_that_were_interrupted_adds_all_that_is_new(
    shop: DeltaShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_spark(shop)
    with monkeypatch.context() as patch:
        patch.setattr(jobs.snapshot.night, "publish", interrupted)
        for number in range(10):
            shop.history.order(shop.cutoff + HOUR, card=f"c{number}")
            with pytest.raises(Interrupted):
                shop.night()

    assert shop.night_is_right() == "11"  # ten cards and the merchant


def test_days_that_a_correction_left_behind_are_not_built_beside(shop: DeltaShop) -> None:
    for _ in range(2):
        shop.history.order(shop.cutoff + HOUR, card="c1")
        assert shop.night_is_right() == "2"
    shop.history.order(shop.cutoff - 20 * DAY, card="c2")
    for _ in range(2):
        unpublish(shop.job)
    assert shop.night_is_right(JUNE + DAY) == "3"

    # The table has the withdrawn rows of 3 June, which lack the order that was imported.
    assert shop.night_is_right(JUNE + 3 * DAY) == "full"


def test_an_earlier_day_is_made_for_the_offline_store_alone(shop: DeltaShop) -> None:
    shop.history.order(CUTOFF + 2 * DAY + HOUR, card="c1")
    shop.night(JUNE + 3 * DAY)
    said = without_spark(shop)
    nights.nights(shop.job, JUNE + DAY, JUNE + 2 * DAY)

    with shop.history.connect() as connection:
        made = [(run.day, run.delta_rows, run.parent) for run in newest_runs(connection, 2)]
    parent = f"snapshots_{shop.job.namespace.timelines}@{JUNE}.r1"
    assert made == [(JUNE + 2 * DAY, 0, parent), (JUNE + DAY, 0, parent)]
    assert said


def test_an_earlier_day_that_lacks_what_it_stands_on_is_built_again(
    shop: DeltaShop, storage_folder: Path
) -> None:
    base = list(storage_folder.glob("runs/snapshots/*/*.parquet"))
    shop.history.order(CUTOFF + HOUR, card="c1")
    shop.night(JUNE + 3 * DAY, full=True)
    nights.nights(shop.job, JUNE + DAY, JUNE + DAY)
    assert shop.made().facts.parent is not None
    nights.nights(shop.job, JUNE + DAY, JUNE + DAY)
    assert shop.run().outcome == "unchanged"
    for path in base:
        path.unlink()

    nights.nights(shop.job, JUNE + DAY, JUNE + DAY)

    assert shop.run().outcome == "done"
    assert shop.made().facts.parent is None
    assert shop.made().name.endswith(f"{JUNE + DAY}.r2")


def test_what_a_night_does_not_read_of_a_damaged_chain_fails_one_load_and_no_second(
    shop: DeltaShop, storage_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in storage_folder.glob("runs/snapshots/*/*.parquet"):
        damage_timelines(path)
    shop.history.order(shop.cutoff + HOUR, card="c1")
    monkeypatch.setattr(jobs.snapshot.visits, "_why_whole", lambda *_: "a test says so")

    with pytest.raises(FileDamaged):
        shop.night()
    assert shop.night_is_right(shop.day) == "full"
    assert shop.night_is_right() == "0"


def test_all_bytes_of_a_chain_are_looked_at_after_a_withdrawal(
    shop: DeltaShop, storage_folder: Path
) -> None:
    full = list(storage_folder.glob("runs/snapshots/*/*.parquet"))
    shop.history.order(shop.cutoff + HOUR, card="c1")
    shop.night()
    unpublish(shop.job)
    for path in full:
        damage_timelines(path)

    assert shop.night_is_right(shop.day) == "full"


def damage_timelines(path: Path) -> None:
    """Change a byte in the column that a night does not read."""
    group = pq.read_metadata(path).row_group(0)
    columns = (group.column(number) for number in range(group.num_columns))
    column = next(each for each in columns if each.path_in_schema == "timeline")
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", ["lost", "cut short", "other bytes"])
def test_a_chain_that_is_lost_or_damaged_is_not_gone_on_from(
    shop: DeltaShop, storage_folder: Path, damage: str
) -> None:
    for path in storage_folder.glob("runs/snapshots/*/*.parquet"):
        content = path.read_bytes()
        if damage == "lost":
            path.unlink()
        elif damage == "cut short":
            path.write_bytes(content[:-9])
        else:  # in a page of keys or states, which have the largest part of a file
            middle = len(content) // 2
            path.write_bytes(content[:4] + bytes(middle) + content[4 + middle :])
    said: list[str] = []
    shop.job = replace(shop.job, say=said.append)
    shop.history.order(shop.cutoff + HOUR, card="c1")

    assert shop.night_is_right() == "full"
    (told,) = (each for each in said if "this snapshot is built of all events" in each)
    assert told.startswith("  the snapshot of ") or "it is not what was committed" in told
    assert "run `ontem" not in told  # the night does it itself
    assert "build" not in told.removesuffix("this snapshot is built of all events")
    shop.history.order(shop.cutoff + HOUR, card="c1")
    assert shop.night_is_right() == "2"


def test_damaged_events_are_refused(shop: DeltaShop, storage_folder: Path) -> None:
    shop.history.chargeback("past3", shop.cutoff - DAY)
    for path in storage_folder.glob("runs/events/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(EventsDamaged, match="ontem extract --full"):
        shop.night()


def test_lost_events_are_refused_as_a_full_night_refuses_them(
    shop: DeltaShop, storage_folder: Path
) -> None:
    shop.history.chargeback("past3", shop.cutoff - DAY)
    for path in storage_folder.glob("runs/events/*/*.parquet"):
        path.unlink()
    with pytest.raises(EventsMissing, match="ontem extract --full"):
        shop.night()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_nights_have_the_rows_that_would_be_built_anew(shop: DeltaShop, seed: int) -> None:
    made = list(random_nights(shop, seed))

    assert sum(each not in ("0", "full") for each in made) >= 3
    store = open_store(shop.job.settings)
    table = store.catalogue.load_table(("ontem", snapshots_name(shop)))
    rows = table.scan().to_arrow()
    day = shop.day
    newest = newest_by_day(rows, day)
    found = shop.rows(shop.made())
    assert newest == dict(
        zip(found["entity"].to_pylist(), found["timeline"].to_pylist(), strict=True)
    )


def snapshots_name(shop: DeltaShop) -> str:
    return f"snapshots_{shop.job.namespace.timelines}"


def newest_by_day(rows: pa.Table, day: object) -> dict[bytes, bytes]:
    """What a query finds: the row of each entity with the newest day up to one."""
    columns = [rows[name].to_pylist() for name in ("as_of", "entity", "timeline")]
    return {
        entity: content for at, entity, content in sorted(zip(*columns, strict=True)) if at <= day
    }  # type: ignore[operator]


def random_nights(shop: DeltaShop, seed: int) -> Iterator[str]:
    """Nine nights with a random past between them, some withdrawn and run again: what each made."""
    random = np.random.default_rng(seed)
    for number in range(9):
        for _ in range(int(random.choice([0, 1, 3, 6]))):
            cutoff = shop.cutoff + DAY  # of the night that comes
            at = cutoff - timedelta(seconds=int(random.integers(-30_000, 100_000) * 2))
            if random.random() < 0.2:
                at -= timedelta(days=int(random.integers(0, 200)))
            orders = len(shop.history.orders)
            if random.random() < 0.6:
                names = {
                    name: f"{name}{random.integers(0, 4)}" for name in ("card", "user", "email")
                }
                shop.history.order(at, order_id=f"o{orders}", **names, amount_cents=orders)
            else:
                kind = "chargeback" if random.random() < 0.8 else "reversal"
                shop.history.chargeback(f"o{random.integers(20, orders + 3)}", at, kind=kind)
        yield shop.night_is_right()
        if number % 4 == 2:
            unpublish(shop.job)
            shop.history.order(shop.cutoff - HOUR, card="card0")
            yield shop.night_is_right(shop.day)
