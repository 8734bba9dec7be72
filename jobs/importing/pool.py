"""Batches prepared side by side by a few processes, handed back in their order."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

from jobs.importing.prepare import Prepared, Rules, prepare
from jobs.importing.source import Numbered

WORTH_PROCESSES = 3
"""From how many batches on: fewer are done before processes have started."""
WAITING_PER_PROCESS = 3
"""How many batches each process may be ahead; this bounds the memory."""


def prepared(batches: Iterator[Numbered], rules: Rules, processes: int) -> Iterator[Prepared]:
    """Every batch prepared, in order; few batches in this process, many in `processes` others."""
    first = list(islice(batches, WORTH_PROCESSES))
    if len(first) < WORTH_PROCESSES or processes < 2:
        yield from (prepare(batch, rules) for batch in first)
        yield from (prepare(batch, rules) for batch in batches)
        return
    # Not forked: a copy of this process would hold its connection to PostgreSQL open.
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_end_with_parent
    ) as pool:
        waiting: deque[Future[Prepared]] = deque(
            pool.submit(prepare, batch, rules) for batch in first
        )
        for batch in batches:
            waiting.append(pool.submit(prepare, batch, rules))
            if len(waiting) > processes * WAITING_PER_PROCESS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed or not."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
