"""Whether the snapshots of two nights are of the same events, found out without Spark."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.extract.facts import Extractions
from jobs.extract.reading import read_newest_first
from jobs.extract.rows import CHARGEBACK, ORDER
from jobs.watermark import ReadBounds
from stores.offline.files import Files

COLUMNS: Final = ("kind", "event_at", "recorded_key")
COUNTED: Final = (ORDER, CHARGEBACK)
"""The kinds of rows that a timeline is made of; `read_orders` and `read_chargebacks` take them."""


def have_the_same_events(
    files: Files, extracted: Extractions, one: ReadBounds, other: ReadBounds
) -> bool:
    """Whether no counted event of `extracted` is within one of two bounds alone.

    Raises FileMissing, EventsDamaged.
    """
    for table in read_newest_first(files, extracted, COLUMNS):
        is_counted = pc.is_in(table["kind"], pa.array(COUNTED))
        differs = pc.xor(_is_within(table, one), _is_within(table, other))
        if pc.any(pc.and_(is_counted, differs)).as_py():
            return False
    return True


def _is_within(table: pa.Table, bounds: ReadBounds) -> pa.ChunkedArray:
    """Which rows happened before the cutoff and are complete below the watermark."""
    return pc.and_(
        pc.less(table["event_at"], pa.scalar(bounds.cutoff, table["event_at"].type)),
        pc.less(table["recorded_key"], bounds.watermark_key),
    )
