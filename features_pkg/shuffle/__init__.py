"""What crosses Spark's shuffle: narrow rows out of orders, answers in pieces, and back to one row.

All of it maps Arrow to Arrow; Spark only brings the rows of an entity, then those of an order,
together. `explode` makes narrow rows; `timelines` or `pieces` answer them, an entity's rows being
in one table; `assemble` puts the pieces of an order into one row.
"""

from features_pkg.shuffle.answer import PIECES, pieces
from features_pkg.shuffle.assemble import assemble, assembled_schema
from features_pkg.shuffle.explode import explode
from features_pkg.shuffle.merchant_starts import FIRSTS, FirstEvents, first_events
from features_pkg.shuffle.order_pieces import header_schema, headers
from features_pkg.shuffle.rows import NARROW, ORDER_ROWS, QUESTION_FIELDS, RowKind, live_visibility
from features_pkg.shuffle.snapshot import TIMELINES, timelines

__all__ = [
    "FIRSTS",
    "NARROW",
    "ORDER_ROWS",
    "PIECES",
    "QUESTION_FIELDS",
    "TIMELINES",
    "FirstEvents",
    "RowKind",
    "assemble",
    "assembled_schema",
    "explode",
    "first_events",
    "header_schema",
    "headers",
    "live_visibility",
    "pieces",
    "timelines",
]
