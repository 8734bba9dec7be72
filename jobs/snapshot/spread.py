"""Work in parts: in the job's own process if it is little, else in those of Spark."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from jobs.job import Job
from jobs.snapshot.range_writer import OrRefusal, Refusal

FEW_ROWS: Final = 200_000
"""Up to so many rows the job works alone: Spark would take longer to start."""

Part = TypeVar("Part")
Result = TypeVar("Result")


def spread(
    job: Job, work: Callable[[Part], Result], parts: Sequence[Part], rows: int
) -> list[Result]:
    """What `work` returns for each part, in their order; all parts have so many `rows`.

    Raises what `work` raises of errors of Ontem, SparkFailed.
    """
    if rows <= FEW_ROWS or not parts:
        return [work(part) for part in parts]
    with job.spark("ontem publish") as spark:
        spread_out = spark.sparkContext.parallelize(parts, len(parts))
        results = spread_out.map(OrRefusal(work)).collect()
    for result in results:
        if isinstance(result, Refusal):
            raise result.error()
    return results


def parts_for(job: Job, rows: int) -> int:
    """Into how many parts so many rows are divided: some for each core, none of them too large."""
    if rows <= FEW_ROWS:
        return 1
    return max(4 * job.cores, -(-rows // ROWS_OF_PART))


ROWS_OF_PART: Final = 1_000_000
