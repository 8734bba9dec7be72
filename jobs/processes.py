"""Work done by several processes at once, handed back in the order in which it was given."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import wait
from typing import Final, TypeVar

LEAST_TASKS: Final = 4
"""Fewer tasks are done before other processes have started, such as the three of an extraction that
has few rows of each kind."""
TASKS_PER_PROCESS: Final = 3
"""How many tasks may wait or be worked on for each process; this bounds the memory."""

_UNSAID: Final = "ignore::UserWarning:multiprocessing.resource_tracker"

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Task], Result], tasks: Iterator[Task], *, processes: int
) -> Iterator[Result]:
    """What `function` makes of each task: a few in this process, many in `processes` others.

    Function, tasks and results are pickled. Raises what `function` raises, wherever it runs, and
    BrokenProcessPool when a process was ended from outside.
    """
    first = list(islice(tasks, LEAST_TASKS))
    if len(first) < LEAST_TASKS or processes < 2:
        yield from map(function, chain(first, tasks))
        return
    # Not forked off this process: a copy would hold its connection to PostgreSQL open. They are
    # forked off one that has imported what they need; Arrow wants pandas for its first value.
    _track_without_warning()
    context = get_context("forkserver")
    context.set_forkserver_preload([getattr(function, "func", function).__module__, "pandas"])
    begin = partial(_begin, dict(os.environ))
    with ProcessPoolExecutor(processes, mp_context=context, initializer=begin) as pool:
        queue: deque[Future[Result]] = deque()
        try:
            for task in chain(first, tasks):
                with _interrupts_held():  # this may start a process
                    queue.append(pool.submit(function, task))
                if len(queue) > processes * TASKS_PER_PROCESS:
                    yield queue.popleft().result()
            while queue:
                yield queue.popleft().result()
        finally:  # also when the command is interrupted: what waits need not be done
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let the processes that are started here inherit a mask that keeps Ctrl-C from them.

    A terminal sends it to all of them. This process ends the command, and the others end with it;
    each would write a traceback otherwise.
    """
    _track_without_warning()  # it is a process, too, and its start resets the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _track_without_warning() -> None:
    """Start Python's process that removes what this one leaves, unless it runs.

    It need not say so: that is what it is for when this one is killed.
    """
    sys.warnoptions.append(_UNSAID)  # its command line gets these
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(_UNSAID)


def _begin(environ: dict[str, str]) -> None:
    """Take over the variables of the caller: those of the process forked off may be older."""
    os.environ.clear()
    os.environ.update(environ)
    _end_with_parent()


def _end_with_parent() -> None:
    """Make this process end when the one that started it ends, even if that was killed."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
