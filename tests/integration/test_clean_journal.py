"""`ontem store clean` makes one file of the many of a journal, and no row of it is ever lost."""

from datetime import UTC, datetime, timedelta

import pytest
from pyiceberg.table import Table

from jobs.store.compacting import CompactionFacts, compact, scattered, written
from ontem.lab.journal_table import SLOT, JournalRow, State, append_row, read_rows
from stores.offline.commit import commit_compaction
from stores.offline.runs import Run
from stores.offline.tables import existing_table
from tests.integration.cleaning_shop import FOREVER, CleaningShop

AT = datetime(2018, 6, 1, tzinfo=UTC)


@pytest.fixture
def shop(cleaning_shop: CleaningShop) -> CleaningShop:
    return cleaning_shop


def append(shop: CleaningShop, *numbers: int) -> None:
    """Add rows to the journal; each differs from the others in all that a row can say."""
    for number in numbers:
        is_done = number % 2 == 0
        row = JournalRow(
            step_id=f"step {number // 2}",
            trial_id="trial",
            step="check" if number % 3 else "lift",
            state=State.DONE if is_done else State.FAILED,
            at=AT + timedelta(seconds=number),
            candidates=tuple(f"candidate {each}" for each in range(number % 4)),
            question="does it last?",
            source=None if number % 5 == 0 else "orders",
            by="test",
            session_pid=number,
            session_start=AT,
            result=f'{{"number": {number}}}' if is_done else None,
            error=None if is_done else "it did not",
        )
        append_row(shop.store, row)


def journal(shop: CleaningShop) -> list[JournalRow]:
    return list(read_rows(shop.store))


def table_of(shop: CleaningShop) -> Table:
    return existing_table(shop.store, SLOT.table)


def data_files(shop: CleaningShop) -> list[str]:
    return [task.file.file_path for task in table_of(shop).scan().plan_files()]


def test_a_cleaning_makes_one_file_of_many_and_the_old_ones_go_when_they_expire(
    shop: CleaningShop,
) -> None:
    append(shop, 0, 1, 2)
    shop.least_files = 4
    shop.clean()
    assert len(data_files(shop)) == 3
    append(shop, 3)
    before, present = journal(shop), shop.present()
    shop.said.clear()
    shop.clean(dry_run=True)
    assert "  trials_1: its 4 files would become one" in shop.said
    assert shop.present() == present

    shop.clean()

    assert "  trials_1: its 4 files are one now, of 4 rows" in shop.said
    assert len(data_files(shop)) == 1
    assert journal(shop) == before
    assert len(before) == 4
    assert present <= shop.present()  # those who look at an older state can
    assert len(shop.names(SLOT)) == 5
    shop.check_whole()

    append(shop, 4)
    shop.clean(expire=FOREVER)

    assert shop.names(SLOT) == ["r5", "r6"]
    assert [row.session_pid for row in journal(shop)] == list(range(5))
    assert journal(shop)[:-1] == before
    runs = {key.split("/")[2] for key in shop.present() if key.startswith("runs/trials/")}
    assert len(runs) == 2
    shop.check_whole()


def test_without_a_compaction_no_row_expires(shop: CleaningShop) -> None:
    append(shop, 1, 2, 3)
    before = journal(shop)
    shop.least_files = 4

    shop.clean(expire=FOREVER)

    assert journal(shop) == before
    assert shop.names(SLOT) == ["r1", "r2", "r3"]


def test_a_row_that_is_added_meanwhile_stays(shop: CleaningShop) -> None:
    append(shop, 1, 2)

    def write(state: Table) -> Run[CompactionFacts]:
        run = written(shop.store, state, SLOT, AT)
        if len(journal(shop)) == 2:
            append(shop, 3)
        return run

    run = commit_compaction(shop.store, table_of(shop), write)

    assert run.facts == CompactionFacts(compacts=True, rows=3)
    assert [row.session_pid for row in journal(shop)] == [1, 2, 3]
    assert len(data_files(shop)) == 1


def test_two_that_compact_at_once_leave_each_row_once(shop: CleaningShop) -> None:
    append(shop, 1, 2, 3)
    others: list[int] = []

    def write(state: Table) -> Run[CompactionFacts]:
        run = written(shop.store, state, SLOT, AT)
        if not others:
            others.append(compact(shop.store, table_of(shop), AT))
        return run

    commit_compaction(shop.store, table_of(shop), write)

    assert others == [3]
    assert [row.session_pid for row in journal(shop)] == [1, 2, 3]
    assert len(data_files(shop)) == 1


def test_a_compaction_that_dies_before_its_commit_changes_nothing(shop: CleaningShop) -> None:
    append(shop, 1, 2)
    before, present = journal(shop), shop.present()

    def write(state: Table) -> Run[CompactionFacts]:
        written(shop.store, state, SLOT, AT)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit_compaction(shop.store, table_of(shop), write)

    assert journal(shop) == before
    assert shop.present() > present
    shop.clean()
    assert shop.present() <= present
    assert journal(shop) == before


def test_a_row_comes_on_top_of_a_compaction(shop: CleaningShop) -> None:
    append(shop, 1, 2)
    compact(shop.store, table_of(shop), AT)

    append(shop, 3)

    assert [row.session_pid for row in journal(shop)] == [1, 2, 3]
    assert len(data_files(shop)) == 2
    assert [files for _, files in scattered(shop.store, least_files=2)] == [2]
    assert list(scattered(shop.store, least_files=3)) == []
