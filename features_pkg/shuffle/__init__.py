"""What crosses Spark's shuffle: entities' rows out of orders, answers in pieces, and one row again.

All of it maps Arrow to Arrow; Spark only brings the rows of an entity, then those of an order,
together. `keyed` replaces the values of identifiers, `explode` makes the shuffle rows. With all
rows of an entity in one table, `answer_pieces` reads them, and `assemble` puts the pieces of an
order into one row. A snapshot folds a batch's rows before the shuffle (`partial_states`);
`snapshot_timelines` merges them, `merged_timelines` with the states of an earlier snapshot.
"""

from features_pkg.shuffle.answer import Pieces, answer_pieces
from features_pkg.shuffle.assemble import assemble, assembled_schema
from features_pkg.shuffle.entities import keys_of_words, words_of_rows
from features_pkg.shuffle.explode import explode
from features_pkg.shuffle.keyed import keyed, with_entity_keys
from features_pkg.shuffle.merchant_starts import MERCHANT_STARTS, MerchantStarts, merchant_starts
from features_pkg.shuffle.order_pieces import order_pieces
from features_pkg.shuffle.packed import packed, unpacked
from features_pkg.shuffle.pieces import Prefixes, key_pieces, key_prefixes
from features_pkg.shuffle.rows import (
    KEYED_ROWS,
    ORDER_ROWS,
    QUESTION_FIELDS,
    SHUFFLE_ROWS,
    STATE,
    STATE_ROWS,
    RowKind,
    live_visibility,
)
from features_pkg.shuffle.snapshot import (
    STORED_STATES,
    merged_timelines,
    newest_rows,
    partial_states,
    snapshot_schema,
    snapshot_timelines,
)

__all__ = [
    "KEYED_ROWS",
    "MERCHANT_STARTS",
    "ORDER_ROWS",
    "QUESTION_FIELDS",
    "SHUFFLE_ROWS",
    "STATE",
    "STATE_ROWS",
    "STORED_STATES",
    "MerchantStarts",
    "Pieces",
    "Prefixes",
    "RowKind",
    "answer_pieces",
    "assemble",
    "assembled_schema",
    "explode",
    "key_pieces",
    "key_prefixes",
    "keyed",
    "keys_of_words",
    "live_visibility",
    "merchant_starts",
    "merged_timelines",
    "newest_rows",
    "order_pieces",
    "packed",
    "partial_states",
    "snapshot_schema",
    "snapshot_timelines",
    "unpacked",
    "with_entity_keys",
    "words_of_rows",
]
