"""The threads of a worker take so many jobs and no more."""

import queue

from service.worker.threads import Threads


def test_more_jobs_than_may_wait_are_not_taken_until_one_is_done():
    jobs: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    threads = Threads[int](
        "test", threads=2, waiting=1, work=lambda job: done.put(job + jobs.get())
    )

    assert [threads.put(job) for job in (10, 20, 30, 40)] == [True, True, True, False]
    jobs.put(1)
    assert done.get() in (11, 21)
    threads.finished()
    assert threads.put(50)
    assert not threads.put(60)
    for _ in range(3):
        jobs.put(0)
    assert {done.get() for _ in range(3)} <= {10, 20, 30, 50}
