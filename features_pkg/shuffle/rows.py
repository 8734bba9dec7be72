"""The shapes of the rows: orders as they come, and the narrow rows that are shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import pyarrow as pa

from features_pkg.identifiers import IDENTIFIERS, MERCHANT

PARTS: Final[tuple[str, ...]] = (*IDENTIFIERS, MERCHANT)
"""What the number in the column `identifier` stands for."""


class RowKind(IntEnum):
    """What a narrow row is."""

    ORDER = 0
    CHARGEBACK = 1
    LATER_CHARGEBACK = 2
    QUESTION = 3


ORDER_ROWS: Final = pa.schema(
    [
        ("order_pk", pa.int64()),
        ("merchant_id", pa.int64()),
        ("order_id", pa.string()),
        ("event_us", pa.int64()),
        ("recorded_key", pa.int64()),
        ("amount_cents", pa.int64()),
        *[(i, pa.list_(pa.string()) if i.several else pa.string()) for i in IDENTIFIERS],
        ("chargeback_us", pa.list_(pa.int64())),
        ("chargeback_key", pa.list_(pa.int64())),
    ]
)
"""An order with all of its chargebacks' events, earliest first (null or empty: none)."""

QUESTION_FIELDS: Final = (
    pa.field("asked_us", pa.int64()),
    pa.field("as_of", pa.int32()),
    pa.field("visible", pa.list_(pa.int64())),
)
"""Beside `ORDER_ROWS` for training. `asked_us` null: the order asks nothing. `as_of`: the day
(ordinal) of the snapshot that its question reads. `visible`: `live_visibility(...)`, null by the
rule."""

NARROW: Final = pa.schema(
    [
        ("entity_hi", pa.int64()),
        ("entity_lo", pa.int64()),
        ("entity_check", pa.int64()),
        ("identifier", pa.int8()),
        ("kind", pa.int8()),
        ("order_pk", pa.int64()),
        ("at_us", pa.int64()),
        ("amount_cents", pa.int64()),
        ("recorded_key", pa.int64()),
        ("order_recorded_key", pa.int64()),
        ("target", pa.list_(pa.int8())),
        ("code", pa.list_(pa.int64())),
        ("as_of", pa.int32()),
        ("visible", pa.list_(pa.int64())),
        ("own_us", pa.int64()),
    ]
)
"""One row per order, entity and event, and per question and entity. `target[i]` is the number of an
identifier that came with the event, `code[i]` its value's code."""


def live_visibility(
    watermark: int, xmin: int, xmax: int, in_flight: Sequence[int] = ()
) -> list[int]:
    """What a live question saw, as `recorded_key` numbers; for its column `visible`.

    Rows below `watermark` are in its load. Rows below `xmin`, and those below `xmax` that are not
    in flight, were visible to its recent read.
    """
    return [watermark, xmin, xmax, *in_flight]
