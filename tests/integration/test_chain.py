"""Chains of snapshots: what a delta stands on, and what is refused because that is not there."""

from datetime import date

import pytest

from jobs.snapshot.chain import chain_of, entities_of
from jobs.snapshot.errors import BaseMissing, SnapshotDamaged, SnapshotLost
from jobs.snapshot.facts import Parent, SnapshotFacts
from jobs.snapshot.past_load import check_there
from stores.offline.revisions import read_revision
from stores.offline.tables import existing_table
from stores.postgres.loads import LoadRow, NewLoad
from tests.integration.publishing_shop import PublishingShop, days


def a_delta(
    shop: PublishingShop, day: date, parent: NewLoad, *, newcomers: int = 0, **cards: bytes
) -> NewLoad:
    """A committed delta on another snapshot."""
    named = Parent(parent.revision, parent.snapshot_id)
    return shop.committed(day, cards, parent=named, newcomers=newcomers)


def published(shop: PublishingShop, load: NewLoad) -> LoadRow:
    row = shop.register(load)
    shop.publish(row)
    return row


def remove_revision(shop: PublishingShop, load: NewLoad) -> None:
    """Let a revision go, as somebody does who does not look at what stands on it."""
    table, _, tag = load.revision.partition("@")
    found = existing_table(shop.store, table)
    found.manage_snapshots().remove_tag(tag).commit()


def test_the_newest_link_that_has_an_entity_says_what_it_did(shop: PublishingShop) -> None:
    full = shop.committed(days(1), {"a": b"a1", "b": b"b1", "c": b"c1"})
    published(shop, full)
    first = a_delta(shop, days(2), full, newcomers=1, a=b"a2", d=b"d2")
    quiet = a_delta(shop, days(3), first)
    last = a_delta(shop, days(4), quiet, newcomers=1, a=b"a4", b=b"b4", e=b"e4")

    row = published(shop, last)

    chain = chain_of(shop.store, read_revision(shop.store, last.revision, SnapshotFacts))
    assert [link.name for link in chain] == [
        last.revision, quiet.revision, first.revision, full.revision,
    ]  # fmt: skip
    assert (row.entities, entities_of(chain)) == (5, 5)
    assert {name: shop.sees(name, row.load_id) for name in "abcdef"} == {
        "a": b"a4", "b": b"b4", "c": b"c1", "d": b"d2", "e": b"e4", "f": None,
    }  # fmt: skip


def test_a_delta_without_its_base_is_refused_and_nothing_changes(shop: PublishingShop) -> None:
    full = shop.committed(days(1), {"a": b"a1"})
    published(shop, full)
    delta = shop.register(a_delta(shop, days(2), full, a=b"a2"))
    before, listed = shop.contents(), shop.listed()
    remove_revision(shop, full)

    with pytest.raises(BaseMissing, match=f"no {full.revision}.*night --as-of {days(2)}"):
        shop.publish(delta)
    with pytest.raises(SnapshotLost, match=rf"{delta.revision} stands on it\)\. Requests go on"):
        check_there(shop.store, delta, 1)

    assert (shop.contents(), shop.listed()) == (before, listed)


def test_a_file_of_a_base_that_is_gone_is_named(shop: PublishingShop) -> None:
    full = shop.committed(days(1), {"a": b"a1"})
    delta = published(shop, a_delta(shop, days(2), full, a=b"a2"))
    (file,) = read_revision(shop.store, full.revision, SnapshotFacts).files
    shop.store.files.delete(file.key)

    with pytest.raises(SnapshotLost, match=file.key):
        check_there(shop.store, delta, 1)


def test_a_base_of_another_kind_is_refused(shop: PublishingShop) -> None:
    full = shop.committed(days(1), {"a": b"a1"})
    elsewhere = Parent(full.revision.replace(shop.timelines, "0123456789ab"), full.snapshot_id)
    reused = Parent(full.revision, full.snapshot_id + 1)
    named = Parent(full.revision, full.snapshot_id)
    refused = (
        ({"parent": elsewhere}, days(2), "of the table snapshots_0123456789ab"),
        ({"parent": reused}, days(2), "stands on it"),
        ({"parent": named, "series": "another"}, days(2), "of series a run, not another"),
        ({"parent": named, "timezone": "UTC"}, days(2), "of timezone America/Sao_Paulo, not UTC"),
        ({"parent": named}, days(1), "no earlier day"),
    )
    for facts, day, sentence in refused:
        delta = shop.register(shop.committed(day, {"a": b"a2"}, is_sound=False, **facts))
        with pytest.raises((SnapshotDamaged, BaseMissing), match=sentence):
            shop.publish(delta)
        assert shop.listed() == []
