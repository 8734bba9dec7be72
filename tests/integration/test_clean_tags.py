"""`ontem store clean` and tags that are not Ontem's: what they name stays."""

from datetime import UTC, datetime

import pytest
from pyiceberg.exceptions import CommitFailedException

from stores.offline.expiry import expire, expiry_of
from stores.offline.revisions import tagged_revisions
from stores.offline.tables import find_table
from tests.integration.cleaning_shop import (
    FOREVER,
    TRAINING,
    CleaningShop,
    a_day,
)


@pytest.fixture
def shop(cleaning_shop: CleaningShop) -> CleaningShop:
    return cleaning_shop


def test_a_tag_that_somebody_makes_while_its_state_expires_keeps_it(shop: CleaningShop) -> None:
    made, _ = shop.commit(TRAINING, b"keep me"), shop.commit(TRAINING)
    table, crowded = find_table(shop.store, TRAINING.table), find_table(shop.store, TRAINING.table)
    assert table is not None
    assert crowded is not None
    revisions = tagged_revisions(crowded)
    expiry = expiry_of(
        crowded, revisions, revisions[:1], kept_ids=(), untagged_before=datetime.now(UTC)
    )
    table.manage_snapshots().create_tag(made.snapshot_id, "paper-2018").commit()

    with pytest.raises(CommitFailedException, match="meanwhile"):
        expire(crowded, expiry)
    shop.clean(expire=FOREVER)

    table.refresh()
    assert shop.names(TRAINING) == ["r2"]
    assert table.metadata.refs["paper-2018"].snapshot_id == made.snapshot_id
    shop.check_whole()


def test_a_tag_that_looks_like_a_revision_is_none(shop: CleaningShop) -> None:
    """Else it would be the newest one, and what Ontem has as the newest would expire."""
    days = [shop.commit(a_day(day)) for day in (1, 2)]
    sets = [shop.commit(TRAINING) for _ in range(2)]
    for made, tag in ((days[0], "paper.r1"), (days[0], "r9"), (sets[0], "paper.r9")):
        table = shop.store.catalogue.load_table(("ontem", made.slot.table))
        table.manage_snapshots().create_tag(made.snapshot_id, tag).commit()

    shop.clean(expire=FOREVER)

    assert shop.names(a_day(1)) == ["2018-06-02.r1"]
    assert shop.names(TRAINING) == ["r2"]
    for slot, tags in ((a_day(1), {"paper.r1", "r9"}), (TRAINING, {"paper.r9"})):
        table = find_table(shop.store, slot.table)
        assert table is not None
        assert tags < set(table.metadata.refs)
    shop.check_whole()
