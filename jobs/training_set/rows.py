"""From order rows that ask to the rows of a training set, in Spark."""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import null_features
from features_pkg.entity_keys import EntityKeys
from features_pkg.shuffle import (
    MERCHANT_STARTS,
    SHUFFLE_ROWS,
    MerchantStarts,
    answer_pieces,
    assemble,
    assembled_schema,
    explode,
    merchant_starts,
    order_piece_schema,
    order_pieces,
)
from jobs.spark.arrow import map_batches, map_partitions
from jobs.training_set.questions import PASSED, QUESTIONS, Asking, ask

PIECES = order_piece_schema(PASSED)


def asking_rows(orders: DataFrame, asking: Asking) -> DataFrame:
    """The orders with their questions and labels."""
    return map_batches(orders, lambda batch: ask(batch, asking), QUESTIONS)


def training_rows(asked: DataFrame, features: FeatureSet, secret: bytes) -> DataFrame:
    """One row per question of `asked` (read more than once): what is passed on, and all features.

    Entities are brought together first, then the pieces of each order; between the two only its
    numbers travel.
    """
    zone, namespace, targets = features.timezone, features.timelines_id, features.timeline_targets
    starts = MerchantStarts(
        (row.merchant_id, row.event_us, row.recorded_key)
        for row in map_batches(asked, merchant_starts, MERCHANT_STARTS).collect()
    )

    def exploded(batch: pa.Table) -> pa.Table:
        return explode(batch, EntityKeys(secret, namespace), targets)

    def answered(rows: pa.Table) -> pa.Table:
        found = answer_pieces(rows, features, Calendar(zone))
        for field in PASSED:
            found = found.append_column(field, pa.nulls(found.num_rows, field.type))
        return found

    def headed(batch: pa.Table) -> pa.Table:
        return order_pieces(batch, PASSED, features, Calendar(zone), starts)

    def whole(rows: pa.Table) -> pa.Table:
        return without_missing(assemble(rows, features, PASSED), features)

    narrow = map_batches(asked, exploded, SHUFFLE_ROWS)
    answers = map_partitions(narrow, ("entity_hi",), answered, PIECES)
    heads = map_batches(asked, headed, PIECES)
    return map_partitions(
        answers.unionByName(heads), ("order_pk",), whole, training_schema(features)
    )


def training_schema(features: FeatureSet) -> pa.Schema:
    """The columns of a training set."""
    whole = assembled_schema(features, PASSED)
    return whole.remove(whole.get_field_index("missing"))


def without_missing(table: pa.Table, features: FeatureSet) -> pa.Table:
    """`table` with null where a live order's evaluation could not read the past."""
    missing = table["missing"].to_pylist()
    nulls: dict[str, list[bool]] = {}
    for row, words in enumerate(missing):
        for name in null_features(features.velocities, words) if words else ():
            nulls.setdefault(name, [False] * len(missing))[row] = True
    for name, mask in nulls.items():
        place = table.schema.get_field_index(name)
        kept = pc.if_else(pa.array(mask), pa.scalar(None, pa.int64()), table[name])
        table = table.set_column(place, table.schema.field(name), kept)
    return table.drop_columns(["missing"])
