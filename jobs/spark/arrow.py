"""Arrow functions over Spark tables: the only way a feature is ever computed in Spark."""

from collections.abc import Callable, Iterable

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.spark.divided_rows import divided_rows

Transform = Callable[[pa.Table], pa.Table]


def map_batches(frame: DataFrame, transform: Transform, schema: pa.Schema) -> DataFrame:
    """The rows, of `schema`, that `transform` makes of each batch of `frame`."""

    def transform_batches(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            yield from transform(pa.Table.from_batches([batch])).cast(schema).to_batches()

    return frame.mapInArrow(transform_batches, from_arrow_schema(schema))


def map_keys(frame: DataFrame, key: str, transform: Transform, schema: pa.Schema) -> DataFrame:
    """The rows, of `schema`, that `transform` makes of all rows of `frame`, some keys at a time.

    All rows with an equal `key`, an integer that is never null, are transformed together, with
    those of as many other keys as fit into memory. Their order is not defined.
    """

    def transform_partition(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for rows in divided_rows(batches, key):
            yield from transform(rows).cast(schema).to_batches()

    return frame.repartition(key).mapInArrow(transform_partition, from_arrow_schema(schema))
