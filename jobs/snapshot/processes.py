"""Work on numbered parts by processes of the job's machine."""

from collections.abc import Callable, Iterable
from concurrent.futures.process import BrokenProcessPool

from jobs.processes import Result, Task, map_in_order
from jobs.snapshot.errors import NightWorkersLost


def in_processes(processes: int, parts: int, work: Callable[[int], Result]) -> list[Result]:
    """What `work` returns for each number of a part. Raises what it raises, NightWorkersLost."""
    return over_processes(processes, range(parts), work)


def over_processes(
    processes: int, tasks: Iterable[Task], work: Callable[[Task], Result]
) -> list[Result]:
    """What `work` returns for each task. Raises what it raises, NightWorkersLost."""
    try:
        return list(map_in_order(work, iter(tasks), processes=processes))
    except BrokenProcessPool:
        raise NightWorkersLost(processes=processes) from None
