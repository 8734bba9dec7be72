"""Which events are new since another night, over every row that could tell them apart."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jobs.snapshot.new_events
from features_pkg.calendar import to_us
from jobs.extract.errors import EventsDamaged
from jobs.extract.facts import EventsFacts, Extractions, KindCounts
from jobs.extract.rows import KINDS
from jobs.snapshot.errors import FullBuildNeeded
from jobs.snapshot.new_events import NewEvents, find_new_events, rows_between
from jobs.watermark import ReadBounds
from stores.offline.files import Files, open_files
from stores.offline.revisions import Revision
from stores.offline.runs import Bounds, DataFile, Provenance, Slot
from tests.integration.offline_runs import Place

CUTOFF = datetime(2018, 6, 1, 3, tzinfo=UTC)
EARLIER = ReadBounds(CUTOFF, 100, 0)
LATER = ReadBounds(CUTOFF + timedelta(days=1), 200, 0)
BETWEEN = rows_between(EARLIER, LATER)
MICROSECOND, DAY = timedelta(microseconds=1), timedelta(days=1)
INSTANTS = [
    CUTOFF - timedelta(days=300),
    *(at + by for at in (CUTOFF, LATER.cutoff) for by in (-MICROSECOND, 0 * MICROSECOND)),
]
KEYS = [99, 100, 199, 200]
Row = tuple[str, int, datetime, int]
"""Its kind, its order, its instant and its recorded key."""
OLD: Row = ("order", 1, CUTOFF - 9 * DAY, 5)


@dataclass
class Events:
    """Extractions in a folder."""

    files: Files
    revisions: list[Revision[EventsFacts]] = field(default_factory=list)

    def extract(self, *rows: Row, to_key: int = 200, has_bounds: bool = True) -> DataFile:
        """One more extraction, of a file with these rows."""
        number = len(self.revisions) + 1
        columns = zip(*rows, strict=True)
        names = ["kind", "order_pk", "event_at", "recorded_key"]
        table = pa.table([list(column) for column in columns], names)
        table = table.set_column(2, "event_at", table["event_at"].cast(pa.timestamp("us", "UTC")))
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, write_page_checksum=True)
        content = bytes(sink.getvalue())
        key = f"runs/events/{number}/part-00000.parquet"
        self.files.write(key, content)
        ends = [("order_pk", [row[1] for row in rows]), ("event_at", [to_us(r[2]) for r in rows])]
        bounds = tuple(Bounds(name, min(all_of), max(all_of)) for name, all_of in ends)
        file = DataFile(key, len(rows), len(content), hashlib.sha256(content).hexdigest())
        facts = EventsFacts(
            from_key=None, to_key=to_key, database="", generation=0, timelines="", environment="",
            entity_key_id="", value_features=(), rows=KindCounts(),
        )  # fmt: skip
        revision = Revision(
            slot=Slot("events", "1"), number=number, run=str(number),
            files=(replace(file, bounds=bounds) if has_bounds else file,), facts=facts,
            provenance=Provenance(CUTOFF, "test", {}), snapshot_id=1, metadata_location="",
        )  # fmt: skip
        self.revisions.append(revision)
        return revision.files[0]

    def new(self) -> NewEvents:
        """What is found to be new."""
        extracted = Extractions(len(self.revisions), tuple(self.revisions))
        return find_new_events(self.files, extracted, BETWEEN, threads=2)


@pytest.fixture
def events(tmp_path: Path) -> Events:
    return Events(open_files(tmp_path.as_uri(), Place("", "")))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_bounds", [True, False])
def test_a_row_is_new_if_the_later_night_alone_counts_it(
    events: Events, kind: str, *, has_bounds: bool
) -> None:
    for at in INSTANTS:
        for key in KEYS:
            events.revisions.clear()
            events.extract(OLD, to_key=100)
            events.extract((kind, 1, at, key), to_key=key + 1, has_bounds=has_bounds)
            by_one, by_other = (at < b.cutoff and key < b.watermark_key for b in (EARLIER, LATER))
            is_new = by_other and not by_one and kind in ("order", "chargeback")
            assert events.new().number == is_new, (at, key)


def test_each_file_that_can_have_a_new_row_is_looked_at(events: Events) -> None:
    new: Row = ("order", 2, CUTOFF, 5)
    for series in ((OLD, new), (new, OLD), (OLD, new, OLD)):
        events.revisions.clear()
        for row in series:
            events.extract(row, to_key=100)
        assert events.new().orders == 1


def test_files_that_can_have_none_are_not_read(events: Events) -> None:
    for number in range(5):
        old = events.extract(("order", number, CUTOFF - 9 * DAY, 5), to_key=100)
        events.files.delete(old.key)
    of_order = events.extract(("order", 7, CUTOFF - DAY, 50), to_key=100)
    last = events.extract(("order", 8, CUTOFF, 150), ("chargeback", 7, CUTOFF, 160))

    new = events.new()

    assert (new.orders, new.first_chargebacks) == (1, 1)
    assert [file.key for file in new.files] == [of_order.key, last.key]


def test_only_the_first_chargeback_of_an_order_is_an_event(events: Events) -> None:
    events.extract(("order", 1, CUTOFF - 9 * DAY, 5), ("chargeback", 1, CUTOFF - DAY, 6), to_key=50)
    events.extract(("order", 2, CUTOFF - 9 * DAY, 5), to_key=50)
    events.extract(
        ("chargeback", 1, CUTOFF, 150),  # the order had one
        ("chargeback", 2, CUTOFF + 2 * MICROSECOND, 150),
        ("chargeback", 2, CUTOFF + MICROSECOND, 151),
        ("chargeback", 2, CUTOFF + DAY, 151),  # of another night
    )

    new = events.new()

    assert (new.orders, new.first_chargebacks) == (0, 1)
    assert new.chargebacks.recorded_key.tolist() == [151, 150]
    assert len(new.files) == 1


def test_a_first_chargeback_that_moves_needs_a_full_build(events: Events) -> None:
    events.extract(("order", 1, CUTOFF - 9 * DAY, 5), ("chargeback", 1, CUTOFF - DAY, 6), to_key=50)
    events.extract(("chargeback", 1, CUTOFF - 2 * DAY, 150))

    with pytest.raises(FullBuildNeeded, match="before the one that was known came of 1 orders"):
        events.new()


def test_more_chargebacks_than_memory_is_for_need_a_full_build(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.snapshot.new_events, "MOST_CHARGED", 1)
    events.extract(OLD, ("order", 2, CUTOFF - DAY, 5), to_key=50)
    events.extract(("chargeback", 1, CUTOFF, 150), ("chargeback", 2, CUTOFF, 150))

    with pytest.raises(FullBuildNeeded, match="more than 1 orders have a new chargeback"):
        events.new()


@contextmanager
def changed(files: Files, file: DataFile, position: int) -> Iterator[None]:
    content = bytearray(files.read(file.key))
    content[position] ^= 1
    files.write(file.key, bytes(content))
    with pytest.raises(EventsDamaged, match="ontem extract --full"):
        yield


@pytest.mark.parametrize("position", [-1, 20])
def test_a_file_that_has_changed_tells_nothing(events: Events, position: int) -> None:
    of_order = events.extract(OLD, to_key=50)
    last = events.extract(("chargeback", 1, CUTOFF, 150))
    for file in (of_order, last):
        content = events.files.read(file.key)
        with changed(events.files, file, position):
            events.new()
        events.files.write(file.key, content)
    assert events.new().number == 1
