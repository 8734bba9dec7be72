"""Where loads are in a real Redis: lists, buckets, and what is left for another secret."""

from dataclasses import replace

import pytest

from jobs.snapshot.errors import NothingToPublish
from jobs.snapshot.night import publish_again
from jobs.snapshot.publish import list_entry, prepare_layout
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.withdraw import unpublish
from stores.postgres.loads import mark_withdrawn
from stores.redis.fence import Fence, take_fence
from stores.redis.keys import GROUPS
from stores.redis.publish import MOST_FILL
from stores.redis.published import read_published
from tests.integration.publishing_shop import MAY, PublishingShop, days
from tests.online import write_load


def test_every_bucket_and_every_copy_of_the_list_is_written(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one")

    contents = shop.contents()
    lists = {content for key, content in contents.items() if key.endswith(b"loads")}
    assert len(contents) == 2 * GROUPS
    assert len(lists) == 1


def test_the_list_keeps_what_may_be_asked_for_and_a_floor_stands_for_the_rest(
    shop: PublishingShop,
) -> None:
    rows = [shop.night(days(n), idle=b"idle", busy=b"%d" % n) for n in range(9)]

    load_list = read_published(shop.client, shop.namespace).load_list
    assert shop.listed() == [row.load_id for row in rows[-3:]]
    assert load_list.floor == rows[-3].load_id
    assert shop.sees("idle", rows[-3].load_id) == b"idle"
    assert [shop.sees("busy", row.load_id) for row in rows[-3:]] == [b"6", b"7", b"8"]


def test_a_new_secret_loads_beside_the_old_one(shop: PublishingShop) -> None:
    row = shop.night(MAY, c1=b"one")
    settings = replace(shop.job.settings, entity_secret=b"another secret of sixteen")
    other = PublishingShop(replace(shop.job, settings=settings), shop.client, shop.root)
    other.runs = 7

    assert other.listed() == []
    with pytest.raises(NothingToPublish):
        publish_again(other.job)
    beside = other.night(MAY, c1=b"two")
    assert (other.listed(), shop.listed()) == ([beside.load_id], [row.load_id])
    assert other.sees("c1", beside.load_id) == b"two"
    assert shop.sees("c1", row.load_id) == b"one"
    assert unpublish(other.job).load_id == beside.load_id
    assert shop.listed() == [row.load_id]


def test_buckets_that_are_too_full_are_left_for_more_of_them(shop: PublishingShop) -> None:
    few = {f"c{n}": b"t" for n in range(100)}
    many = {f"c{n}": b"t" for n in range(GROUPS * MOST_FILL + 1)}
    first = shop.night(MAY, **few)
    second = shop.night(days(1), **many)

    loads = read_published(shop.client, shop.namespace).load_list.loads
    assert [load.buckets for load in loads] == [1, 3]
    assert shop.sees("c5", first.load_id) == shop.sees("c5", second.load_id) == b"t"
    assert shop.sees("c500", first.load_id) is None
    assert shop.sees("c500", second.load_id) == b"t"


def test_buckets_that_no_load_reads_any_more_are_deleted(shop: PublishingShop) -> None:
    many = {f"c{n}": b"t" for n in range(GROUPS * MOST_FILL + 1)}
    shop.night(MAY, c1=b"t")
    for n in range(1, 4):
        shop.night(days(n), **many)
    assert read_published(shop.client, shop.namespace).load_list.unused == (1,)

    shop.night(days(4), **many)
    assert read_published(shop.client, shop.namespace).load_list.unused == ()
    assert len(shop.contents()) == GROUPS * (1 + 3)


def test_more_buckets_than_a_day_needs_after_all_are_deleted(shop: PublishingShop) -> None:
    many = {f"c{n}": b"t" for n in range(GROUPS * MOST_FILL + 1)}
    shop.night(MAY, c1=b"t")
    bad = shop.night(days(1), **many)
    assert unpublish(shop.job).load_id == bad.load_id
    assert read_published(shop.client, shop.namespace).load_list.unused == (3,)

    shop.night(days(1), c1=b"u")
    assert len(shop.contents()) == GROUPS * (1 + 1)


def test_what_a_killed_load_left_of_more_buckets_is_deleted(shop: PublishingShop) -> None:
    many = {f"c{n}": b"t" for n in range(GROUPS * MOST_FILL + 1)}
    shop.night(MAY, c1=b"t")
    killed = shop.register(shop.committed(days(1), many))
    fence = Fence.fresh(killed.load_id)
    take_fence(shop.client, shop.namespace, fence)
    published = read_published(shop.client, shop.namespace)
    load = list_entry(killed, published.load_list)
    with shop.job.connect() as connection:
        stores = OpenStores(connection, shop.client, shop.store)
        prepare_layout(shop.job, stores, fence, load, published)
        write_load(shop.client, shop.namespace, load, {shop.key("c5"): b"t"}, fence=fence)
        assert len(shop.contents()) == GROUPS * (1 + 1 + 3)
        mark_withdrawn(connection, killed.load_id)

    shop.night(days(1), c1=b"u")
    assert len(shop.contents()) == GROUPS * (1 + 1)
