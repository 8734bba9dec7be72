"""The shapes of the rows: orders as they come, keyed, and the shuffle rows made of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import pyarrow as pa

from features_pkg.definitions.order_features import VALUE_FEATURES
from features_pkg.identifiers import IDENTIFIERS, MERCHANT

ENTITY_KINDS: Final[tuple[str, ...]] = (*IDENTIFIERS, MERCHANT)
"""What the small numbers in the columns `identifier`, `target` and `piece` stand for."""

NUMBER_OF: Final = {name: number for number, name in enumerate(ENTITY_KINDS)}
"""The number of an identifier, or of the merchant."""


class RowKind(IntEnum):
    """What a shuffled row is."""

    ORDER = 0
    CHARGEBACK = 1
    REPEATED_CHARGEBACK = 2
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
"""An order with all of its chargebacks, earliest first (null or empty: none), as PostgreSQL has it.

`chargeback_key` holds the recorded key of each."""

ENTITY_KEY_FIELDS: Final = (
    pa.field(MERCHANT, pa.binary()),
    *(pa.field(i, pa.list_(pa.binary()) if i.several else pa.binary()) for i in IDENTIFIERS),
)
"""The 24-byte keyed hashes of the merchant and of the identifiers' values, each different one once.

They are of variable size only because Spark knows no other."""

KEYED_ROWS: Final = pa.schema(
    [
        *(field for field in ORDER_ROWS if field.name not in IDENTIFIERS),
        *ENTITY_KEY_FIELDS,
        *((name, pa.int32()) for name in VALUE_FEATURES),
    ]
)
"""`ORDER_ROWS` without an identifier's value: with entity keys, and the features of the values."""

QUESTION_FIELDS: Final = (
    pa.field("asked_us", pa.int64()),
    pa.field("as_of", pa.int32()),
    pa.field("visible", pa.list_(pa.int64())),
)
"""Beside `KEYED_ROWS` for training. `asked_us` is null where the order asks no question, `as_of`
the day (ordinal) of the snapshot that it reads, `visible` its `live_visibility(...)`, null where it
is asked by the rule."""

KEY_WORDS: Final = ("entity_hi", "entity_lo", "entity_check")
"""The columns that have an entity's key, 8 bytes each."""

_ENTITY: Final = (
    *(pa.field(name, pa.int64()) for name in KEY_WORDS),
    pa.field("identifier", pa.int8()),
)

SHUFFLE_ROWS: Final = pa.schema(
    [
        *_ENTITY,
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
identifier that came with the event, `code[i]` the first 8 bytes of that value's key."""

STATE: Final = "state"
"""The name of a column with fold states (`fold/packing.py`)."""

STATE_ROWS: Final = pa.schema([*_ENTITY, (STATE, pa.binary())])
"""A state for each entity with an event among some shuffle rows: far fewer, and smaller ones."""


def live_visibility(
    watermark: int, xmin: int, xmax: int, in_flight: Sequence[int] = ()
) -> list[int]:
    """What a live question could see, as recorded keys; for its column `visible`.

    Rows stored below `watermark` are in its load. Rows stored below `xmin`, and those below `xmax`
    that were not in flight, were visible to its recent read.
    """
    return [watermark, xmin, xmax, *in_flight]
