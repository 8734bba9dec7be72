"""Lists that were replaced in some groups only, as a killed run leaves them on a cluster."""

from datetime import date

import pytest

from jobs.snapshot.night import publish_again
from jobs.snapshot.withdraw import finish_withdrawal, unpublish
from stores.postgres.loads import LoadRow, mark_withdrawn
from stores.redis.bucket_writer import BucketWriter
from stores.redis.keys import GROUPS
from stores.redis.load_list import LoadList, decode_list, encode_list
from stores.redis.published import read_published
from tests.integration.publishing_shop import MAY, PublishingShop, days

SOME_GROUPS = range(0, GROUPS, 3)


def set_some(shop: PublishingShop, load_list: LoadList) -> None:
    content = encode_list(load_list, shop.namespace.prefix)
    shop.client.mset({shop.namespace.list_key(group): content for group in SOME_GROUPS})


def shown(shop: PublishingShop) -> list[tuple[int, ...]]:
    """The different lists of all groups, as ids."""
    copies = {shop.client.get(shop.namespace.list_key(group)) for group in range(GROUPS)}
    lists = (decode_list(copy, shop.namespace.prefix) for copy in copies)  # type: ignore[arg-type]
    return [tuple(load.load_id for load in each.loads) for each in lists]


def three_nights(shop: PublishingShop) -> list[int]:
    return [shop.night(days(n), c1=b"%d" % n).load_id for n in range(3)]


def half_withdrawn(shop: PublishingShop) -> list[int]:
    """Three loads, of which the last is recorded as withdrawn and listed in some groups still."""
    loads = three_nights(shop)
    with shop.job.connect() as connection:
        mark_withdrawn(connection, loads[-1])
    set_some(shop, read_published(shop.client, shop.namespace).load_list.without_newest())
    return loads


def test_the_same_unpublish_again_finishes_it_and_withdraws_no_other(shop: PublishingShop) -> None:
    *others, last = half_withdrawn(shop)

    assert unpublish(shop.job).load_id == last
    assert shown(shop) == [tuple(others)]
    assert [row.load_id for row in shop.loads() if row.withdrawn_at] == [last]


def test_whoever_runs_next_finishes_the_withdrawal(shop: PublishingShop) -> None:
    *others, _ = half_withdrawn(shop)

    with shop.job.connect() as connection:
        finish_withdrawal(connection, shop.client, shop.namespace, shop.job.say)
    assert shown(shop) == [tuple(others)]


def half_published(shop: PublishingShop) -> LoadRow:
    """A load that is written, and listed in some groups."""
    row = shop.register(shop.committed(days(4), {"c1": b"half", "new": b"new"}))
    before = read_published(shop.client, shop.namespace).load_list
    shop.publish(row)
    with shop.job.connect() as connection:
        connection.execute("UPDATE loads SET published_at = NULL WHERE load_id = %s", [row.load_id])
    set_some(shop, before)
    return row


def test_a_load_that_some_groups_show_is_what_an_unpublish_withdraws(shop: PublishingShop) -> None:
    loads = [shop.night(days(n), c1=b"%d" % n).load_id for n in range(2)]
    half = half_published(shop)

    assert unpublish(shop.job).load_id == half.load_id
    assert shown(shop) == [tuple(loads)]


def test_a_load_that_some_groups_show_is_hidden_before_another_writes_over_it(
    shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.night(MAY, c1=b"one")
    half_published(shop)
    row = shop.register(shop.committed(days(5), {"c1": b"half", "new": b"new", "c3": b"3"}))
    seen, write = [], BucketWriter._write_batch

    def noted(writer: BucketWriter, *batch: object) -> None:
        seen.extend(shown(shop))
        write(writer, *batch)  # type: ignore[arg-type]

    monkeypatch.setattr(BucketWriter, "_write_batch", noted)
    shop.publish(row)
    assert set(seen) == {(first.load_id,)}
    assert shown(shop) == [(first.load_id, row.load_id)]


def test_a_load_that_some_groups_show_is_finished(shop: PublishingShop) -> None:
    first = shop.night(date(2018, 4, 30), c1=b"one")
    half = half_published(shop)

    publish_again(shop.job)
    assert shown(shop) == [(first.load_id, half.load_id)]
    assert shop.sees("new", half.load_id) == b"new"
