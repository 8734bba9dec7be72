"""Publishing to a real Redis: nothing is visible before all of it is written."""

import pytest

from jobs.job import StageTimer
from jobs.snapshot.night import publish_again, snapshot
from jobs.snapshot.publish import publish
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.withdraw import unpublish
from stores.redis.errors import LoadFenced, LoadTooOld
from stores.redis.keys import GROUPS
from stores.redis.load_list import Load, LoadList
from stores.redis.published import read_published
from tests.integration.history import History
from tests.integration.publishing_shop import MAY, PublishingShop, days, killed_while_writing


def test_a_published_load_is_read_and_recorded(shop: PublishingShop) -> None:
    row = shop.night(MAY, c1=b"one", c2=b"two")

    assert shop.listed() == [row.load_id]
    assert shop.sees("c1", row.load_id) == b"one"
    assert shop.sees("stranger", row.load_id) is None
    assert shop.loads()[0].published_at is not None


def test_the_list_says_what_the_load_is(shop: PublishingShop) -> None:
    row = shop.night(MAY, c1=b"one")

    load_list = read_published(shop.client, shop.namespace).load_list
    load = Load(row.load_id, MAY.toordinal(), 1525143600000000, 1, row.checksum, buckets=1)
    assert load_list == LoadList(row.load_id, (load,))


def test_two_loads_are_side_by_side(shop: PublishingShop) -> None:
    first = shop.night(MAY, c1=b"one")
    second = shop.night(days(1), c1=b"one more", c2=b"new")

    assert shop.sees("c1", first.load_id) == b"one"
    assert shop.sees("c1", second.load_id) == b"one more"
    assert shop.sees("c2", first.load_id) is None


def test_an_entity_that_did_nothing_is_not_written_again(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one", c2=b"two")
    row = shop.register(shop.committed(days(1), {"c1": b"one", "c2": b"changed"}))

    assert shop.publish(row) == 1
    assert shop.sees("c1", row.load_id) == b"one"


def test_publishing_again_changes_nothing(shop: PublishingShop) -> None:
    row = shop.night(MAY, c1=b"one")
    before = shop.contents()

    assert shop.publish(row) == 0
    assert shop.contents() == before


def test_what_a_killed_load_wrote_is_invisible(shop: PublishingShop) -> None:
    first = shop.night(MAY, c1=b"one")
    dead = shop.register(shop.committed(days(1), {"c1": b"half", "c2": b"half"}))
    killed_while_writing(shop, dead, {"c1": b"half", "c2": b"half"})

    assert shop.sees("c1", first.load_id) == b"one"
    assert shop.sees("c1", dead.load_id) == b"one"
    assert shop.sees("c2", dead.load_id) is None


def test_a_killed_load_is_finished_under_its_id_to_the_same_bytes(shop: PublishingShop) -> None:
    timelines = {f"c{n}": b"t%d" % n for n in range(50)}
    row = shop.register(shop.committed(MAY, timelines))
    killed_while_writing(shop, row, dict(list(timelines.items())[:20]))
    shop.publish(row)
    resumed = shop.contents()

    shop.client.flushdb()
    shop.publish(row)
    assert shop.contents() == resumed
    assert all(shop.sees(name, row.load_id) == content for name, content in timelines.items())


def test_a_killed_load_on_top_of_another_is_finished_to_the_same_bytes(
    shop: PublishingShop,
) -> None:
    before = {f"c{n}": b"t%d" % n for n in range(50)}
    after = {name: content + b"+" * (n % 2) for n, (name, content) in enumerate(before.items())}
    shop.night(MAY, **before)
    row = shop.register(shop.committed(days(1), after))
    saved = {key: shop.client.dump(key) for key in shop.client.keys("*")}
    assert shop.publish(row) == 25
    at_once = shop.contents()

    shop.client.flushdb()
    for key, content in saved.items():
        shop.client.restore(key, 0, content)
    killed_while_writing(shop, row, dict(list(after.items())[:20]))
    shop.publish(row)
    assert shop.contents() == at_once


def test_a_corrected_load_never_shows_a_value_of_the_bad_one(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one")
    bad = shop.night(days(1), c1=b"bad", c2=b"bad")
    unpublish(shop.job)
    good = shop.night(days(1), c1=b"good")

    assert good.load_id > bad.load_id
    assert shop.sees("c1", good.load_id) == b"good"
    assert shop.sees("c2", good.load_id) is None


def test_an_older_day_than_the_newest_published_is_refused(shop: PublishingShop) -> None:
    shop.night(days(3), c1=b"one")

    with pytest.raises(LoadTooOld, match="as of 2018-05-03"):
        shop.night(days(2), c1=b"older")


def test_an_older_load_id_is_refused_even_for_a_newer_day(shop: PublishingShop) -> None:
    early = shop.register(shop.committed(days(5), {"c1": b"x"}))
    shop.night(days(1), c1=b"one")

    with pytest.raises(LoadTooOld):
        shop.publish(early)


def test_a_redis_that_lost_everything_gets_back_all_that_requests_may_ask_for(
    shop: PublishingShop,
) -> None:
    rows = [shop.night(days(n), c1=b"%d" % n) for n in range(5)]
    withdrawn = shop.night(days(5), c1=b"bad")
    unpublish(shop.job)
    shop.client.flushdb()

    assert publish_again(shop.job).load.load_id == rows[4].load_id
    assert shop.listed() == [row.load_id for row in rows[2:]]
    assert [shop.sees("c1", row.load_id) for row in rows[2:]] == [b"2", b"3", b"4"]
    assert withdrawn.load_id not in shop.listed()


def test_an_older_snapshot_that_is_damaged_does_not_keep_the_newest_from_coming_back(
    shop: PublishingShop,
) -> None:
    rows = [shop.night(days(n), c1=b"%d" % n) for n in range(3)]
    shop.client.flushdb()
    (path,) = (shop.root / "runs" / "snapshots" / "r2").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    publish_again(shop.job)
    assert shop.listed() == [rows[0].load_id, rows[2].load_id]


def test_a_night_that_died_while_bringing_back_a_lost_load_brings_back_the_rest(
    shop: PublishingShop,
) -> None:
    rows = [shop.night(days(n), c1=b"%d" % n) for n in range(3)]
    shop.client.flushdb()
    publish_again(shop.job, MAY)
    assert shop.listed() == [rows[0].load_id]

    snapshot(shop.job, days(2))
    assert shop.listed() == [row.load_id for row in rows]
    assert [shop.sees("c1", row.load_id) for row in rows] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("lost", ["no copy", "damaged copies", "copies of another type"])
def test_a_list_that_is_lost_beside_its_fence_comes_back_whole(
    shop: PublishingShop, lost: str
) -> None:
    rows = [shop.night(days(n), c1=b"%d" % n) for n in range(3)]
    for group in range(GROUPS):
        shop.client.delete(shop.namespace.list_key(group))
        if lost == "damaged copies" and group % 2:
            shop.client.set(shop.namespace.list_key(group), b"damaged")
        if lost == "copies of another type" and group % 2:
            shop.client.rpush(shop.namespace.list_key(group), b"another type")

    publish_again(shop.job)
    assert shop.listed() == [row.load_id for row in rows]
    assert [shop.sees("c1", row.load_id) for row in rows] == [b"0", b"1", b"2"]


def test_a_fence_of_another_type_is_held_by_nobody(shop: PublishingShop) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    shop.client.delete(shop.namespace.fence_key(7))
    shop.client.rpush(shop.namespace.fence_key(7), b"another type")

    assert unpublish(shop.job).load_id == second.load_id
    assert shop.listed() == [first.load_id]


def test_a_list_that_changes_before_the_fence_is_taken_ends_the_run(
    shop: PublishingShop,
) -> None:
    rows = [shop.night(days(n), c1=b"%d" % n) for n in range(3)]
    shop.client.flushdb()
    publish_again(shop.job, MAY)
    with shop.job.connect() as connection:
        paused = OpenStores(connection, shop.client, shop.store)
        before = read_published(shop.client, shop.namespace)
        snapshot(shop.job, days(2))
        with pytest.raises(LoadFenced, match="overtaken"):
            publish(shop.job, paused, shop.loads()[1], before, StageTimer(shop.job.say))

    assert [shop.sees("c1", row.load_id) for row in rows] == [b"0", b"1", b"2"]


def test_one_day_alone_may_be_published_again(shop: PublishingShop) -> None:
    rows = [shop.night(days(n), c1=b"%d" % n) for n in range(3)]
    shop.client.flushdb()

    publish_again(shop.job, days(1))
    assert shop.listed() == [rows[1].load_id]


def test_nothing_in_redis_names_a_value(shop: PublishingShop, history: History) -> None:
    shop.night(MAY, **{"4111111111111111": b"one"})

    for key, content in shop.contents().items():
        assert b"4111111111111111" not in key + content


@pytest.fixture
def history(database_url: str) -> History:
    return History(database_url)
