"""From orders with questions to the files of a training set, in Spark.

There are two shuffles, through files: the first brings the events and questions of an entity
together, to be answered; the second brings the answers of an order together. Java reads the orders
and hands out the tasks, and no other row goes through it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import VALUE_FEATURES
from features_pkg.shuffle import (
    MERCHANT_STARTS,
    QUESTION_FIELDS,
    MerchantStarts,
    Pieces,
    answer_pieces,
    assemble,
    explode,
    merchant_starts,
    order_pieces,
    packed,
    unpacked,
)
from jobs.parted_files import PartedFiles, divided
from jobs.spark.arrow import map_batches, map_keys
from jobs.spark.divided_rows import divided_rows
from jobs.spark.tasks import on_workers
from jobs.training_set.files import write_rows
from jobs.training_set.questions import (
    ORDER_COLUMNS,
    QUESTION_ROWS,
    TrainingQuestions,
    number_of_stale,
    questions_of,
)
from jobs.training_set.rows import without_missing
from stores.offline.runs import DataFile

_OWN: Final = dict.fromkeys(
    (
        "order_pk",
        *ORDER_COLUMNS.names,
        *(field.name for field in QUESTION_FIELDS),
        "amount_cents",
        *VALUE_FEATURES,
    )
)
OWN_COLUMNS: Final = pa.schema([QUESTION_ROWS.field(name) for name in _OWN])
"""What is kept of an order itself until its pieces are put together: `order_pieces` reads it."""

DIVIDED: Final = pa.schema(
    [("entities", pa.string()), ("orders", pa.string()), ("stale", pa.int64())]
)
"""The files of a batch of orders: of its shuffle rows, and of its orders; how many are stale."""


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a training set, and how many orders of its period read an old snapshot."""

    files: tuple[DataFile, ...]
    stale: int


@dataclass(frozen=True, slots=True)
class DividedOrders:
    """The files of all shuffle rows and of all orders with questions."""

    entities: Sequence[str]
    orders: Sequence[str]
    stale: int


def write_training_set(
    orders: DataFrame,
    features: FeatureSet,
    questions: TrainingQuestions,
    shuffled: PartedFiles,
    folder: str,
) -> Written:
    """Write into `folder` a row (`training_schema`) per order of `orders` with a question.

    `orders` are as `read_questions` reads them, and are read twice, once for three columns. What is
    on the way is in the files `shuffled`; each of their parts is a task of a shuffle.
    """
    spark = orders.sparkSession
    starts = MerchantStarts(
        (row.merchant_id, row.event_us, row.recorded_key)
        for row in starts_of_merchants(orders.select(MERCHANT_STARTS.names)).collect()
    )
    found = _divide(orders, features, questions, shuffled)
    answers = _answer(spark, found.entities, features, shuffled)
    timezone, files = features.timezone, found.orders

    def assemble_part(part: int) -> list[DataFile]:
        own = pa.Table.from_batches(shuffled.read(files, part), OWN_COLUMNS)
        if not own.num_rows:
            return []
        own = order_pieces(own, ORDER_COLUMNS, features, Calendar(timezone), starts)
        packs = shuffled.read(answers, part)
        pieces = (each for pack in packs for each in unpacked(pack))
        rows = without_missing(assemble(own, pieces, features, ORDER_COLUMNS), features)
        return [write_rows(shuffled.files, f"{folder}/part-{part:05d}", rows)]

    written = on_workers(spark, shuffled.parts, assemble_part)
    return Written(tuple(file for some in written for file in some), found.stale)


def starts_of_merchants(orders: DataFrame) -> DataFrame:
    """The rows of `merchant_starts` of all orders.

    A merchant has one, and one more for each time that an import went further back. Those of the
    batches are many more, and Spark brings them together before anything reaches the driver.
    """
    of_batches = map_batches(orders, merchant_starts, MERCHANT_STARTS)
    return map_keys(of_batches, "merchant_id", merchant_starts, MERCHANT_STARTS)


def _divide(
    orders: DataFrame, features: FeatureSet, questions: TrainingQuestions, shuffled: PartedFiles
) -> DividedOrders:
    """Write the shuffle rows by entity, and what is kept of each order with a question by order."""
    targets = features.targets

    def divide_batch(batch: pa.Table) -> pa.Table:
        rows = questions_of(batch, questions)
        own = rows.select(OWN_COLUMNS.names).cast(OWN_COLUMNS).filter(rows["asked_us"].is_valid())
        files = (
            shuffled.write_rows(explode(rows, targets), "entity_hi"),
            shuffled.write_rows(own, "order_pk"),
        )
        columns = [[file] for file in files]
        return pa.table([*columns, [number_of_stale(batch, questions)]], schema=DIVIDED)

    batches = map_batches(orders, divide_batch, DIVIDED).collect()
    return DividedOrders(
        [row.entities for row in batches],
        [row.orders for row in batches],
        sum(row.stale for row in batches),
    )


def _answer(
    spark: SparkSession, files: Sequence[str], features: FeatureSet, shuffled: PartedFiles
) -> Sequence[str]:
    """Write the pieces of all orders, by order; the files. `files` have the shuffle rows."""
    timezone = features.timezone

    def answer_part(part: int) -> list[str]:
        written = []
        for rows in divided_rows(shuffled.read(files, part), "entity_hi"):
            pieces = answer_pieces(rows, features, Calendar(timezone))
            written.append(shuffled.write(packed_by_part(pieces, shuffled.parts)))
        return written

    return [file for some in on_workers(spark, shuffled.parts, answer_part) for file in some]


def packed_by_part(pieces: Sequence[Pieces], parts: int) -> Iterator[pa.RecordBatch]:
    """The pieces of the orders of each part in turn, packed."""
    sorted_pieces = []
    for each in pieces:
        division = divided(each.order_pk, parts)
        sorted_pieces.append((each.take(division.rows), division.bounds))
    for part in range(parts):
        yield packed([each.slice(*bounds[part]) for each, bounds in sorted_pieces])
