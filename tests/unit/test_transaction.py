"""The state of our transaction is that of PyIceberg's, also after an update or a refresh."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.table import Table, Transaction

from stores.offline.transaction import CachingTransaction


@pytest.fixture
def table(tmp_path: Path) -> Table:
    catalogue = InMemoryCatalog("test", warehouse=tmp_path.as_uri())
    catalogue.create_namespace("shop")
    return catalogue.create_table("shop.orders", pa.schema([("order", pa.int64())]))


def state(transaction: Transaction) -> dict[str, object]:
    return transaction.table_metadata.model_dump(exclude={"last_updated_ms"})


def test_each_update_is_seen_at_once_and_worked_out_once(table: Table) -> None:
    ours, theirs = CachingTransaction(table), Transaction(table)
    seen = [state(ours)]
    for name in ("a", "b", "c"):
        for transaction in (ours, theirs):
            transaction.set_properties({name: "1"})
        seen.append(state(ours))
        assert seen[-1] == state(theirs)
        assert ours.table_metadata is ours.table_metadata

    assert all(before != after for before, after in pairwise(seen))
    ours.commit_transaction()
    assert set(table.properties) >= {"a", "b", "c"}


def test_after_a_refresh_it_stands_on_what_the_table_is_by_then(table: Table) -> None:
    ours = CachingTransaction(table)
    before = state(ours)
    with table.catalog.load_table("shop.orders").transaction() as other:
        other.set_properties({"b": "1"})
    assert state(ours) == before

    table.refresh()

    assert ours.table_metadata.properties["b"] == "1"
