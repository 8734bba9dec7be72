"""Batches prepared by several processes at once, and handed back in the order of the file."""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import wait

from jobs.importing.batches import NumberedBatch
from jobs.importing.errors import WorkersLost
from jobs.importing.prepare import PreparedBatch, Rules, prepare_batch

LEAST_BATCHES = 3
"""A file of fewer batches is done before other processes have started."""
BATCHES_PER_PROCESS = 3
"""How many batches may wait or be worked on for each process; this bounds the memory."""


def prepare_batches(
    batches: Iterator[NumberedBatch], rules: Rules, processes: int
) -> Iterator[PreparedBatch]:
    """Every batch, prepared, in order: a few in this process, many in `processes` others.

    Raises what `prepare_batch` raises, wherever it runs, and WorkersLost.
    """
    first = list(islice(batches, LEAST_BATCHES))
    if len(first) < LEAST_BATCHES or processes < 2:
        yield from (prepare_batch(batch, rules) for batch in first)
        yield from (prepare_batch(batch, rules) for batch in batches)
        return
    try:
        yield from _prepare_elsewhere(chain(first, batches), rules, processes)
    except BrokenProcessPool:
        raise WorkersLost(processes=processes) from None


def _prepare_elsewhere(
    batches: Iterator[NumberedBatch], rules: Rules, processes: int
) -> Iterator[PreparedBatch]:
    # Not forked: a copy of this process would hold its connection to PostgreSQL open.
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_end_with_parent
    ) as pool:
        queue: deque[Future[PreparedBatch]] = deque()
        try:
            for batch in batches:
                with _interrupts_held():  # this may start a process
                    queue.append(pool.submit(prepare_batch, batch, rules))
                if len(queue) > processes * BATCHES_PER_PROCESS:
                    yield queue.popleft().result()
            while queue:
                yield queue.popleft().result()
        finally:  # also when the import is interrupted: what waits need not be done
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let the processes that are started here inherit a mask that keeps Ctrl-C from them.

    A terminal sends it to all of them. This process ends the import, and the others end with it;
    each would write a traceback otherwise.
    """
    resource_tracker.ensure_running()  # it is a process, too, and its start resets the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Make this process end when the one that started it ends, even if that was killed."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
