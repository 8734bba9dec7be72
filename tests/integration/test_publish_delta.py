"""Publishing a delta: only the buckets of what is new, unless something may be left in others."""

from collections.abc import Callable

import pytest

from jobs.job import StageTimer
from jobs.snapshot.errors import NothingToPublish
from jobs.snapshot.night import publish_again
from jobs.snapshot.publish import publish
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.withdraw import unpublish
from stores.postgres.loads import LoadRow, NewLoad
from stores.redis.bucket_writer import BucketWriter
from stores.redis.errors import LoadFenced
from stores.redis.fence import Fence, take_fence
from stores.redis.keys import GROUPS
from stores.redis.published import read_published
from tests.integration.publishing_shop import PublishingShop, days, killed_while_writing
from tests.integration.test_chain import a_delta
from tests.online import bucket_key

EVERYBODY = {f"c{n}": b"t%d" % n for n in range(300)}


class Visits:
    """Which buckets a run writes or compares."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.keys: set[bytes] = set()
        write = BucketWriter._write_batch

        def noted(writer: BucketWriter, group: int, keys: list[bytes], contents: object) -> None:
            self.keys.update(keys)
            write(writer, group, keys, contents)  # type: ignore[arg-type]

        patch.setattr(BucketWriter, "_write_batch", noted)

    def of(self, shop: PublishingShop, row: LoadRow) -> set[bytes]:
        """Publish, and name the buckets that were visited."""
        self.keys.clear()
        shop.publish(row)
        return set(self.keys)


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> Visits:
    return Visits(monkeypatch)


@pytest.fixture
def full(shop: PublishingShop) -> NewLoad:
    """A full snapshot that is published."""
    load = shop.committed(days(0), EVERYBODY)
    shop.publish(shop.register(load))
    return load


def buckets_of(shop: PublishingShop, *names: str) -> set[bytes]:
    return {bucket_key(shop.namespace, shop.key(name), 1) for name in names}


def test_only_the_buckets_of_what_is_new_are_visited(
    shop: PublishingShop, full: NewLoad, visits: Visits
) -> None:
    (first,) = shop.listed()
    delta = a_delta(shop, days(1), full, newcomers=1, c7=b"more", new=b"new")
    row = shop.register(delta)

    assert visits.of(shop, row) == buckets_of(shop, "c7", "new")
    assert (shop.sees("c7", row.load_id), shop.sees("c7", first)) == (b"more", b"t7")
    assert (shop.sees("new", row.load_id), shop.sees("new", first)) == (b"new", None)
    assert shop.sees("c8", row.load_id) == b"t8"

    quiet = shop.register(a_delta(shop, days(2), delta))
    assert visits.of(shop, quiet) == set()
    assert shop.sees("c7", quiet.load_id) == b"more"


def test_many_deltas_end_where_one_full_snapshot_does(shop: PublishingShop, full: NewLoad) -> None:
    parent, everybody = full, dict(EVERYBODY)
    for night in range(1, 8):
        new = {f"c{n}": b"night %d" % night for n in range(night, 300, 29)}
        new[f"new{night}"] = b"new"
        everybody |= new
        parent = a_delta(shop, days(night), parent, newcomers=1, **new)
        row = shop.register(parent)
        assert shop.publish(row) == len(new)
        for name, timeline in everybody.items():
            assert shop.sees(name, row.load_id) == timeline

    load_list = read_published(shop.client, shop.namespace).load_list
    assert load_list.floor == load_list.loads[0].load_id


def withdrawn_before(shop: PublishingShop, full: NewLoad) -> None:
    shop.publish(shop.register(a_delta(shop, days(1), full, c1=b"bad", c2=b"bad")))
    unpublish(shop.job)


def killed_before(shop: PublishingShop, full: NewLoad) -> None:
    dead = shop.register(a_delta(shop, days(1), full, c1=b"bad", c2=b"bad"))
    killed_while_writing(shop, dead, {"c1": b"bad", "c2": b"bad"})


def fence_lost(shop: PublishingShop, full: NewLoad) -> None:
    shop.client.delete(shop.namespace.fence_key(9))


def copy_of_the_list_lost(shop: PublishingShop, full: NewLoad) -> None:
    shop.client.delete(shop.namespace.list_key(9))


def bucket_lost(shop: PublishingShop, full: NewLoad) -> None:
    shop.client.delete(*buckets_of(shop, "c7"))


@pytest.mark.parametrize(
    "event",
    [withdrawn_before, killed_before, fence_lost, copy_of_the_list_lost, bucket_lost],
    ids=lambda event: event.__name__.replace("_", " "),
)
def test_all_buckets_are_gone_through_where_something_may_be_left_or_lost(
    shop: PublishingShop,
    full: NewLoad,
    visits: Visits,
    event: Callable[[PublishingShop, NewLoad], None],
) -> None:
    event(shop, full)
    delta = a_delta(shop, days(1), full, c7=b"more")
    row = shop.register(delta)

    assert len(visits.of(shop, row)) == GROUPS
    assert [shop.sees(name, row.load_id) for name in ("c1", "c2", "c7")] == [b"t1", b"t2", b"more"]

    parent = delta
    for night in range(2, 5):
        parent = a_delta(shop, days(night), parent, c7=b"night %d" % night)
        row = shop.register(parent)
        assert visits.of(shop, row) == buckets_of(shop, "c7")
    assert [shop.sees(name, row.load_id) for name in ("c1", "c2")] == [b"t1", b"t2"]


def test_a_delta_on_another_snapshot_than_the_published_one_goes_through_all_buckets(
    shop: PublishingShop, full: NewLoad, visits: Visits
) -> None:
    middle = a_delta(shop, days(1), full, c3=b"more")
    row = shop.register(a_delta(shop, days(2), middle, c7=b"more"))

    assert len(visits.of(shop, row)) == GROUPS
    assert [shop.sees(name, row.load_id) for name in ("c3", "c7")] == [b"more", b"more"]


def test_a_delta_that_was_killed_is_finished_through_all_buckets(
    shop: PublishingShop, full: NewLoad, visits: Visits
) -> None:
    row = shop.register(a_delta(shop, days(1), full, c7=b"more", c8=b"more"))
    killed_while_writing(shop, row, {"c7": b"more"})

    assert len(visits.of(shop, row)) == GROUPS
    assert [shop.sees(name, row.load_id) for name in ("c7", "c8", "c9")] == [
        b"more", b"more", b"t9",
    ]  # fmt: skip


def test_a_run_that_comes_between_ends_a_delta(
    shop: PublishingShop, full: NewLoad, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = shop.register(a_delta(shop, days(1), full, c7=b"more"))
    (first,) = shop.listed()

    def then_another(*given: object) -> int:
        take_fence(shop.client, shop.namespace, Fence.fresh(first))
        shop.client.set(shop.namespace.fence_key(3), Fence.fresh(row.load_id).token)
        return 0

    monkeypatch.setattr("jobs.snapshot.publish.check_files", then_another)
    with shop.job.connect() as connection:
        stores = OpenStores(connection, shop.client, shop.store)
        published = read_published(shop.client, shop.namespace)
        with pytest.raises(LoadFenced, match="overtaken"):
            publish(shop.job, stores, row, published, StageTimer(shop.job.say))
    assert shop.listed() == [first]


def test_a_delta_that_stands_on_a_withdrawn_load_is_not_published_again(
    shop: PublishingShop, full: NewLoad
) -> None:
    bad = a_delta(shop, days(1), full, c1=b"bad")
    shop.publish(shop.register(bad))
    killed = shop.register(a_delta(shop, days(2), bad, c2=b"more"))
    killed_while_writing(shop, killed, {"c2": b"more"})
    unpublish(shop.job)

    with pytest.raises(NothingToPublish):
        publish_again(shop.job, days(2))
    assert publish_again(shop.job).was_published
    assert len(shop.listed()) == 1
    assert shop.sees("c1", shop.listed()[0]) == b"t1"
