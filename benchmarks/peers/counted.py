"""The counts of a peer's night against those of the timelines."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from features_pkg.definitions.catalogue import CHARGEBACK_WINDOWS, ORDER_WINDOWS
from features_pkg.definitions.velocity import Past
from features_pkg.definitions.window import Window
from features_pkg.identifiers import Event
from features_pkg.timelines.read import decode

SAMPLE = 1_000
MERCHANTS_OWN = 1
"""A merchant's own timeline holds its first order alone."""
WINDOWS = {
    Event.ORDER: ORDER_WINDOWS[Past.DISTANT],
    Event.CHARGEBACK: CHARGEBACK_WINDOWS[Past.DISTANT],
}


def check_counts(counted: ds.Dataset, snapshot: Sequence[str], day: int) -> None:
    """Raises AssertionError where the entities differ in number, or some of them in their counts.

    `counted` has a row for each entity, with `orders_7d` and so on; `snapshot` are the files of the
    full snapshot of that day.
    """
    rows = ds.dataset(list(snapshot), format="parquet")
    if counted.count_rows() != rows.count_rows():
        raise AssertionError(f"{counted.count_rows()} entities, and {rows.count_rows()} here")
    some = counted.head(SAMPLE)
    keys = some["entity"].combine_chunks()
    found = rows.to_table(columns=["entity", "timeline"], filter=pc.field("entity").isin(keys))
    timelines = dict(zip(found["entity"].to_pylist(), found["timeline"].to_pylist(), strict=True))
    different = [row for row in some.to_pylist() if not _agree(row, timelines, day)]
    if len(different) > MERCHANTS_OWN:
        raise AssertionError(f"{len(different)} of {SAMPLE} entities have other counts")


def _agree(row: dict[str, object], timelines: dict[bytes, bytes], day: int) -> bool:
    content = timelines.get(pa.scalar(row["entity"], pa.binary()).as_py())
    if content is None:
        return False
    timeline = decode(content)
    for event, windows in WINDOWS.items():
        of_event = timeline.of(event)
        for text in windows:
            count = 0 if of_event is None else of_event.count(day, Window(text).days)
            if count != row[f"{event.plural}_{text}"]:
                return False
    return True
