"""Whether two nights have the same events, over every row that could tell them apart."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.extract.errors import EventsDamaged
from jobs.extract.facts import EventsFacts, Extractions, KindCounts
from jobs.extract.rows import KINDS
from jobs.snapshot.new_events import have_the_same_events
from jobs.watermark import ReadBounds
from stores.offline.files import Files, open_files
from stores.offline.revisions import Revision
from stores.offline.runs import DataFile, Provenance, Slot
from tests.integration.offline_runs import Place

CUTOFF = datetime(2018, 6, 1, 3, tzinfo=UTC)
BEFORE = ReadBounds(CUTOFF, 100, 0)
AFTER = ReadBounds(CUTOFF + timedelta(days=1), 200, 0)
MICROSECOND = timedelta(microseconds=1)
COUNTED = ("order", "chargeback")
INSTANTS = [
    CUTOFF - timedelta(days=300),
    *(at + by for at in (CUTOFF, AFTER.cutoff) for by in (-MICROSECOND, 0 * MICROSECOND)),
]
KEYS = [99, 100, 199, 200]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return open_files(tmp_path.as_uri(), Place("", ""))


def extracted(files: Files, *each: list[tuple[str, datetime, int]]) -> Extractions:
    """Extractions of one file each, with these rows."""
    revisions = []
    for number, rows in enumerate(each, 1):
        columns = zip(*rows, strict=True)
        names = ["kind", "event_at", "recorded_key"]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table([list(column) for column in columns], names), sink)
        content = bytes(sink.getvalue())
        key = f"runs/events/{number}/part-00000.parquet"
        files.write(key, content)
        file = DataFile(key, len(rows), len(content), hashlib.sha256(content).hexdigest())
        facts = EventsFacts(
            from_key=None, to_key=200, database="", generation=0, timelines="", environment="",
            entity_key_id="", value_features=(), rows=KindCounts(),
        )  # fmt: skip
        revisions.append(
            Revision(
                slot=Slot("events", "1"), number=number, run=str(number), files=(file,),
                facts=facts, provenance=Provenance(CUTOFF, "test", {}), snapshot_id=1,
                metadata_location="",
            )
        )  # fmt: skip
    return Extractions(len(revisions), tuple(revisions))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_tells_two_nights_apart_if_one_alone_counts_it(files: Files, kind: str) -> None:
    for at in INSTANTS:
        for key in KEYS:
            by_one, by_other = ((at < b.cutoff and key < b.watermark_key) for b in (BEFORE, AFTER))
            same = by_one == by_other or kind not in COUNTED
            rows = extracted(files, [("order", CUTOFF - timedelta(days=9), 5), (kind, at, key)])
            assert have_the_same_events(files, rows, BEFORE, AFTER) is same, (at, key)
            assert have_the_same_events(files, rows, AFTER, BEFORE) is same, (at, key)


def test_each_file_is_looked_at(files: Files) -> None:
    old = [("order", CUTOFF - timedelta(days=9), 5)]
    new = [("chargeback", CUTOFF, 5)]
    for series in ((old, new), (new, old), (old, new, old)):
        assert not have_the_same_events(files, extracted(files, *series), BEFORE, AFTER)
    assert have_the_same_events(files, extracted(files, old, old), BEFORE, AFTER)


def test_a_file_that_has_changed_tells_nothing(files: Files) -> None:
    rows = extracted(files, [("order", CUTOFF - timedelta(days=9), 5)])
    key = rows.files[0].key
    files.write(key, files.read(key)[:-1] + b"x")

    with pytest.raises(EventsDamaged, match="ontem extract --full"):
        have_the_same_events(files, rows, BEFORE, AFTER)
