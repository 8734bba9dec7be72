"""Withdrawing a load from a real Redis, and which of several runs may write."""

import pytest

from jobs.snapshot.errors import (
    NothingToPublish,
    TooFarBack,
)
from jobs.snapshot.night import publish_again
from jobs.snapshot.publish import list_entry
from jobs.snapshot.withdraw import unpublish
from stores.postgres.connection import Connection
from stores.postgres.loads import (
    LoaderRunning,
    lock_loads,
    mark_withdrawn,
)
from stores.redis.buckets import ValueUnreadable
from stores.redis.errors import (
    LoadFenced,
    NothingPublished,
)
from stores.redis.fence import Fence, take_fence
from stores.redis.load_list import Load
from stores.redis.publish import delete_buckets, set_list
from stores.redis.published import read_published
from tests.integration.publishing_shop import MAY, PublishingShop, days, killed_while_writing
from tests.online import write_load


def test_unpublishing_brings_the_load_before_back(shop: PublishingShop) -> None:
    first = shop.night(MAY, c1=b"one")
    second = shop.night(days(1), c1=b"two")

    assert unpublish(shop.job).load_id == second.load_id
    assert shop.listed() == [first.load_id]
    assert shop.sees("c1", first.load_id) == b"one"
    assert shop.loads()[1].withdrawn_at is not None


def test_a_withdrawn_load_is_not_published_again(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one")
    unpublish(shop.job)

    with pytest.raises(NothingToPublish, match="ontem night"):
        publish_again(shop.job)


def test_an_unpublish_that_was_killed_is_finished_by_the_next(shop: PublishingShop) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    with shop.job.connect() as connection:
        mark_withdrawn(connection, second.load_id)

    unpublish(shop.job)
    assert shop.listed() == [first.load_id]


def test_with_nothing_published_there_is_nothing_to_withdraw(shop: PublishingShop) -> None:
    with pytest.raises(NothingPublished, match="ontem snapshots"):
        unpublish(shop.job)


def test_going_back_further_than_versions_are_kept_is_refused(shop: PublishingShop) -> None:
    for n in range(6):
        shop.night(days(n), c1=b"%d" % n)
    killed = shop.register(shop.committed(days(6), {"c1": b"killed"}))
    killed_while_writing(shop, killed, {"c1": b"killed"})
    unpublish(shop.job)

    with pytest.raises(TooFarBack, match="no longer keeps"):
        unpublish(shop.job)
    oldest, newest = shop.listed()
    assert shop.sees("c1", newest) == b"4"
    with pytest.raises(ValueUnreadable):
        shop.sees("c1", oldest)


def test_the_only_load_that_is_listed_can_be_withdrawn(shop: PublishingShop) -> None:
    for n in range(5):
        shop.night(days(n), c1=b"%d" % n, idle=b"idle")
    for _ in range(3):
        unpublish(shop.job)
    assert shop.listed() == []

    again = shop.night(days(2), c1=b"again", idle=b"idle")
    assert shop.sees("c1", again.load_id) == b"again"
    assert shop.sees("idle", again.load_id) == b"idle"


def test_one_bad_day_may_be_corrected_as_often_as_it_takes(shop: PublishingShop) -> None:
    for n in range(5):
        shop.night(days(n), c1=b"%d" % n)
    for n in range(4):
        unpublish(shop.job)
        shop.night(days(4), c1=b"again %d" % n)

    assert shop.sees("c1", shop.listed()[-1]) == b"again 3"
    assert shop.sees("c1", shop.listed()[-2]) == b"3"


def test_a_paused_loader_that_wakes_after_a_newer_one_changes_nothing(shop: PublishingShop) -> None:
    old = shop.register(shop.committed(MAY, {"c1": b"old"}))
    paused = Fence.fresh(old.load_id)
    take_fence(shop.client, shop.namespace, paused)
    before = read_published(shop.client, shop.namespace)
    new = shop.night(days(1), c1=b"new")

    load = list_entry(old, before.load_list)
    entities = {shop.key("c1"): b"old"}
    with pytest.raises(LoadFenced, match="overtaken"):
        write_load(shop.client, shop.namespace, load, entities, fence=paused)
    with pytest.raises(LoadFenced):
        delete_buckets(shop.client, shop.namespace, paused, load.buckets)
    with pytest.raises(LoadFenced):
        set_list(shop.client, shop.namespace, paused, before, before.load_list)
    with pytest.raises(LoadFenced):
        take_fence(shop.client, shop.namespace, Fence.fresh(old.load_id))
    assert shop.sees("c1", new.load_id) == b"new"


def test_of_two_runs_of_one_load_the_later_may_write(shop: PublishingShop) -> None:
    first, second = Fence.fresh(1), Fence.fresh(1)
    take_fence(shop.client, shop.namespace, first)
    take_fence(shop.client, shop.namespace, second)

    load = Load(1, MAY.toordinal(), 0, 1, "", 1)
    with pytest.raises(LoadFenced):
        write_load(shop.client, shop.namespace, load, {shop.key("c1"): b"x"}, fence=first)


def test_a_paused_loader_can_not_list_its_load_after_an_unpublish(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one")
    row = shop.register(shop.committed(days(1), {"c1": b"two"}))
    paused = Fence.fresh(row.load_id)
    take_fence(shop.client, shop.namespace, paused)
    before = read_published(shop.client, shop.namespace)
    unpublish(shop.job)

    with pytest.raises(LoadFenced):
        set_list(shop.client, shop.namespace, paused, before, before.load_list)
    assert shop.listed() == []


def test_two_jobs_do_not_load_at_once_and_the_other_is_named(shop: PublishingShop) -> None:
    shop.night(MAY, c1=b"one")
    with shop.job.connect() as other:
        lock_loads(other, shop.timelines)
        pid = other.info.backend_pid
        with pytest.raises(LoaderRunning, match=f"database process {pid}"):
            publish_again(shop.job)


def test_going_back_waits_for_no_loader_and_ends_its_writing(shop: PublishingShop) -> None:
    first, second = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"two")
    third = shop.register(shop.committed(days(2), {"c1": b"three"}))
    load = list_entry(third, read_published(shop.client, shop.namespace).load_list)
    fence = Fence.fresh(third.load_id)
    take_fence(shop.client, shop.namespace, fence)
    with shop.job.connect() as loader:
        lock_loads(loader, shop.timelines)
        assert unpublish(shop.job).load_id == second.load_id

    assert shop.listed() == [first.load_id]
    with pytest.raises(LoadFenced):
        write_load(shop.client, shop.namespace, load, {shop.key("c1"): b"three"}, fence=fence)
    shop.publish(third)  # run again, it follows what is listed now
    assert shop.listed() == [first.load_id, third.load_id]
    assert shop.sees("c1", third.load_id) == b"three"


def test_a_withdrawal_that_is_recorded_is_finished_before_anything_else(
    shop: PublishingShop,
) -> None:
    first, bad = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"bad")
    third = shop.committed(days(2), {"c1": b"three"})
    with shop.job.connect() as connection:
        mark_withdrawn(connection, bad.load_id)
    row = shop.register(third)

    publish_again(shop.job)
    assert shop.listed() == [first.load_id, row.load_id]
    assert unpublish(shop.job).load_id == row.load_id
    assert shop.listed() == [first.load_id]


def test_a_run_that_begins_while_a_withdrawal_is_recorded_does_not_publish_upon_it(
    shop: PublishingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, bad = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"bad")
    third = shop.register(shop.committed(days(2), {"c1": b"three"}))
    loader = Fence.fresh(third.load_id)
    before = read_published(shop.client, shop.namespace)

    def after_a_loader(connection: Connection, load_id: int) -> None:
        take_fence(shop.client, shop.namespace, loader, after=bad.load_id)
        mark_withdrawn(connection, load_id)

    monkeypatch.setattr("jobs.snapshot.withdraw.mark_withdrawn", after_a_loader)
    assert unpublish(shop.job).load_id == bad.load_id

    assert shop.listed() == [first.load_id]
    load = list_entry(third, before.load_list)
    with pytest.raises(LoadFenced):
        write_load(shop.client, shop.namespace, load, {shop.key("c1"): b"three"}, fence=loader)
