"""Arrow functions over Spark tables: the only way a feature is ever computed in Spark."""

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

Transform = Callable[[pa.Table], pa.Table]


def map_batches(frame: DataFrame, transform: Transform, schema: pa.Schema) -> DataFrame:
    """`transform`, which gives rows of `schema`, of each batch of `frame`."""

    def each(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from transform(pa.Table.from_batches([batch])).cast(schema).to_batches()

    return frame.mapInArrow(each, from_arrow_schema(schema))


def map_partitions(
    frame: DataFrame, keys: tuple[str, ...], transform: Transform, schema: pa.Schema
) -> DataFrame:
    """`transform` of whole partitions, where all rows with equal `keys` are in one, unsorted."""

    def whole(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = list(batches)
        if rows:
            yield from transform(pa.Table.from_batches(rows)).cast(schema).to_batches()

    shuffled = frame.repartition(*keys)
    return shuffled.mapInArrow(whole, from_arrow_schema(schema))
