"""From orders with questions to the rows of a training set, in Spark."""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import null_features
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
from jobs.spark.arrow import map_batches, map_keys
from jobs.training_set.questions import (
    ORDER_COLUMNS,
    TrainingQuestions,
    questions_of,
)
from stores.offline.tables import TableDefinition, documented

COLUMN_DOCS = {
    "order_pk": "The order's key in PostgreSQL.",
    "order_id": "The merchant's own name of the order.",
    "merchant_id": "The merchant's key in PostgreSQL.",
    "asked_at": "When the question was asked; every past ends before it.",
    "asked_day": "The civil day of that instant.",
    "snapshot_as_of": "The day of the snapshot that the distant past was read from.",
    "live": "Whether a request evaluated the order; an imported order asks by the rule.",
    "stale_days": "How many days older than the due one that snapshot was.",
    "label": "1: charged back; 0: not by the time a label is due; null: too young, or too late.",
    "label_reason": "Why the label is what it is.",
    "label_known_at": "Since when the label is what it is.",
    "card_code": "A code of the order's card that tells cards apart and names none.",
}

ORDER_PIECES = order_piece_schema(ORDER_COLUMNS)


def training_rows(
    orders: DataFrame, features: FeatureSet, questions: TrainingQuestions
) -> DataFrame:
    """One row per order (as `read_questions` reads it) with a question: `training_schema`.

    `orders` is read three times, once of these for three columns: reading costs less than keeping
    the rows. There are two shuffles: the first brings the events and questions of an entity
    together, to be answered; the second brings the answers of an order together.
    """
    targets, timezone = features.targets, features.timezone
    starts = MerchantStarts(
        (row.merchant_id, row.event_us, row.recorded_key)
        for row in starts_of_merchants(orders.select(MERCHANT_STARTS.names)).collect()
    )

    def explode_batch(batch: pa.Table) -> pa.Table:
        return explode(questions_of(batch, questions), targets)

    def answer_entities(rows: pa.Table) -> pa.Table:
        answers = answer_pieces(rows, features, Calendar(timezone))
        for field in ORDER_COLUMNS:
            answers = answers.append_column(field, pa.nulls(answers.num_rows, field.type))
        return answers

    def describe_orders(batch: pa.Table) -> pa.Table:
        batch = questions_of(batch, questions)
        return order_pieces(batch, ORDER_COLUMNS, features, Calendar(timezone), starts)

    def assemble_orders(rows: pa.Table) -> pa.Table:
        return without_missing(assemble(rows, features, ORDER_COLUMNS), features)

    shuffle_rows = map_batches(orders, explode_batch, SHUFFLE_ROWS)
    answers = map_keys(shuffle_rows, "entity_hi", answer_entities, ORDER_PIECES)
    own_pieces = map_batches(orders, describe_orders, ORDER_PIECES)
    return map_keys(
        answers.unionByName(own_pieces),
        "order_pk",
        assemble_orders,
        training_schema(features),
    )


def starts_of_merchants(orders: DataFrame) -> DataFrame:
    """The rows of `merchant_starts` of all orders.

    A merchant has one, and one more for each time that an import went further back. Those of the
    batches are many more, and Spark brings them together before anything reaches the driver.
    """
    of_batches = map_batches(orders, merchant_starts, MERCHANT_STARTS)
    return map_keys(of_batches, "merchant_id", merchant_starts, MERCHANT_STARTS)


def training_schema(features: FeatureSet) -> pa.Schema:
    """The columns of a training set."""
    schema = assembled_schema(features, ORDER_COLUMNS)
    return schema.remove(schema.get_field_index("missing"))


def training_set_table(features: FeatureSet) -> TableDefinition:
    """The table of all training sets that have these features."""
    formulas = {derived.name: f"{derived.formula}." for derived in features.derived}
    return TableDefinition(
        columns=documented(training_schema(features), COLUMN_DOCS | formulas),
        doc="The newest training set: one row per order that asked a question, with all features.",
    )


def without_missing(table: pa.Table, features: FeatureSet) -> pa.Table:
    """`table` with null for each feature that the order's evaluation could not read."""
    missing = table["missing"].to_pylist()
    null_masks: dict[str, list[bool]] = {}
    for row, parts in enumerate(missing):
        for name in null_features(features, parts) if parts else ():
            null_masks.setdefault(name, [False] * len(missing))[row] = True
    for name, mask in null_masks.items():
        position = table.schema.get_field_index(name)
        field = table.schema.field(position)
        column = pc.if_else(pa.array(mask), pa.scalar(None, field.type), table[name])
        table = table.set_column(position, field, column)
    return table.drop_columns(["missing"])
