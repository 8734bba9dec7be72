"""Batches prepared by several processes at once, and handed back in the order of the file."""

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from jobs.importing.batches import NumberedBatch
from jobs.importing.errors import WorkersLost
from jobs.importing.prepare import PreparedBatch, Rules, prepare_batch
from jobs.processes import map_in_order


def prepare_batches(
    batches: Iterator[NumberedBatch], rules: Rules, processes: int
) -> Iterator[PreparedBatch]:
    """Every batch, prepared, in order.

    Raises what `prepare_batch` raises, wherever it runs, and WorkersLost.
    """
    try:
        yield from map_in_order(partial(prepare_batch, rules=rules), batches, processes=processes)
    except BrokenProcessPool:
        raise WorkersLost(processes=processes) from None
