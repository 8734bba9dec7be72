"""The threads of a worker take so many jobs and no more."""

import queue
import threading
from collections.abc import Sequence

import pytest

from service.worker.threads import Threads
from tests.unit.clocks import Clock


def test_more_jobs_than_may_wait_are_not_taken_until_one_is_done():
    jobs: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    threads = Threads[int](
        "test", threads=2, waiting=1, work=lambda job: done.put(job + jobs.get())
    )

    assert [threads.put(job) for job in (10, 20, 30, 40)] == [None, None, None, 40]
    jobs.put(1)
    assert done.get() in (11, 21)
    threads.finished()
    assert [threads.put(50), threads.put(60)] == [None, 60]
    for _ in range(3):
        jobs.put(0)
    assert {done.get() for _ in range(3)} <= {10, 20, 30, 50}


@pytest.mark.parametrize(
    ("waits", "refused"),
    [
        pytest.param([0.01] * 60, [], id="prompt"),
        pytest.param([0.04] * 60, [], id="slow, but in time"),
        pytest.param([0.09, *[0.06] * 11], [], id="a stall shorter than the limit"),
        pytest.param([0.06] * 30, [*range(16, 30)], id="more than can be done"),
        pytest.param([0.04] * 16 + [0.06, 0.04, 0.06, 0.04], [16, 18], id="makes room"),
        pytest.param([0.06] * 20 + [0.02] + [0.06] * 15, [16, 17, 18, 19], id="well again"),
        pytest.param([0.06] * 17 + [None] + [0.06] * 15, [16], id="empty meanwhile"),
    ],
)
def test_who_waited_too_long_is_refused_once_none_was_taken_promptly_for_a_while(
    waits: Sequence[float | None], refused: Sequence[int]
) -> None:
    """A job each 0.01 s, with a time limit of 0.156 s; None is a moment in which none waits."""
    clock, taken = Clock(), queue.SimpleQueue[int]()
    threads = Threads[int](
        "test", threads=1, waiting=9, work=taken.put, time_limit=0.156, clock=clock
    )
    for job in range(2):  # none of them is ever told to be finished
        threads.put(job)
        taken.get()
    found = []
    for number, waited in enumerate(waits):
        clock.now += 0.01
        if waited is None:
            threads.finished()
            threads.put(2)
            taken.get()
        elif threads.is_too_late(clock.now - waited):
            found.append(number)
    assert found == list(refused)


def test_who_is_taken_promptly_since_others_wait_longer_does_not_say_that_all_is_well() -> None:
    clock, is_over, taken = Clock(), threading.Event(), queue.SimpleQueue[int]()

    def work(job: int) -> None:
        taken.put(job)
        is_over.wait()

    threads = Threads[int]("test", threads=1, waiting=9, work=work, time_limit=0.156, clock=clock)
    for job in range(2):  # the second one waits
        threads.put(job, 7)
    taken.get()
    for _ in range(30):
        clock.now += 0.01
        assert not threads.is_too_late(clock.now)

    assert threads.is_too_late(clock.now - 0.06)
    is_over.set()


def test_a_lane_without_a_time_limit_refuses_nobody() -> None:
    clock = Clock()
    threads = Threads[int]("test", threads=1, waiting=9, work=lambda _: None, clock=clock)
    for _ in range(100):
        clock.now += 1.0
        assert not threads.is_too_late(clock.now - 60.0)
