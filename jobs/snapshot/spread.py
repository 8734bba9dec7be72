"""Work in parts: in the job's own process if it is little, in others beside it, or in Spark's."""

from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from features_pkg.errors import OntemError
from jobs.processes import map_in_order
from jobs.snapshot.errors import PublishWorkersLost

if TYPE_CHECKING:  # Spark's workers import this file, and need nothing of a job
    from jobs.job import Job

FEW_ROWS: Final = 100_000
"""Up to so many rows the job works alone: other processes would take longer to start."""
SOME_ROWS: Final = 1_500_000
"""Up to so many rows processes of the job's machine work: Spark would take longer to start."""
ROWS_OF_PART: Final = 1_000_000
"""About how many rows a range of buckets has at most."""

Part = TypeVar("Part")
Result = TypeVar("Result")


def spread(
    job: "Job", work: Callable[[Part], Result], parts: Sequence[Part], rows: int
) -> list[Result]:
    """What `work` returns for each part, in their order; all parts have so many `rows`.

    Raises what `work` raises of errors of Ontem, PublishWorkersLost, SparkFailed.
    """
    if rows <= FEW_ROWS or not parts:
        return [work(part) for part in parts]
    found = partial(_result_or_error, work)
    if rows <= SOME_ROWS:
        results = _by_processes(job, found, parts)
    else:
        results = _by_spark(job, found, parts)
    for result in results:
        if isinstance(result, OntemError):
            raise result
    return results


def _by_processes(job: "Job", work: Callable[[Part], Any], parts: Sequence[Part]) -> list[Any]:
    try:
        return list(map_in_order(work, iter(parts), processes=job.cores))
    except BrokenProcessPool:
        raise PublishWorkersLost(processes=job.cores) from None


def _by_spark(job: "Job", work: Callable[[Part], Any], parts: Sequence[Part]) -> list[Any]:
    with job.spark("ontem publish") as spark:
        found: list[Any] = spark.sparkContext.parallelize(parts, len(parts)).map(work).collect()
    return found


def _result_or_error(work: Callable[[Part], Result], part: Part) -> Result | OntemError:
    """What the work returns, or our error: Spark repeats what raises, and keeps only its text."""
    try:
        return work(part)
    except OntemError as error:
        return error


def parts_for(job: "Job", rows: int) -> int:
    """Into how many ranges of buckets so many rows are divided: four for each core, or more."""
    if rows <= FEW_ROWS:
        return 1
    return max(4 * job.cores, -(-rows // ROWS_OF_PART))
