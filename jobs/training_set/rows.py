"""What the rows of a training set are, and what is missing in them."""

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import null_features
from features_pkg.shuffle import assembled_schema
from jobs.training_set.questions import ORDER_COLUMNS
from stores.offline.table_definition import TableDefinition, documented

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
