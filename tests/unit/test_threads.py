"""How many requests of whom may wait for a thread."""

import queue
import threading

from service.worker.fair_queue import FairQueue
from service.worker.threads import Threads


def test_a_party_with_half_of_the_room_leaves_the_rest_to_others():
    is_over = threading.Event()
    threads = Threads[int]("test", threads=1, waiting=3, work=lambda _: is_over.wait() and None)

    def put(party: int) -> bool:
        return threads.put(1, party=party, has_half_room=True)

    assert [put(7) for _ in range(3)] == [True, True, False]
    assert [put(8), threads.put(1), threads.put(1)] == [True, True, False]

    threads.finished()
    assert put(7) is False
    threads.finished(party=7)
    assert [put(7), put(7)] == [True, False]
    assert threads.unfinished == 3
    threads.finished()
    assert threads.put(1, party=7) is True
    is_over.set()


def test_parties_take_turns_and_the_jobs_of_one_stay_in_their_order() -> None:
    jobs = FairQueue[str]()
    for name in ("a1", "a2", "a3", "b1", "a4", "b2", "-1", "c1"):
        jobs.put(name, None if name[0] == "-" else ord(name[0]), 0.0)

    taken = [jobs.get() for _ in range(5)]
    jobs.put("b3", ord("b"), 0.0)
    jobs.put("d1", ord("d"), 0.0)
    taken += [jobs.get() for _ in range(5)]

    assert taken == ["a1", "b1", "-1", "c1", "a2", "b2", "a3", "d1", "b3", "a4"]


def test_many_threads_take_each_job_once() -> None:
    jobs, taken = FairQueue[int](), queue.SimpleQueue[int]()

    def take() -> None:
        while (job := jobs.get()) >= 0:
            taken.put(job)

    takers = [threading.Thread(target=take) for _ in range(8)]
    for taker in takers:
        taker.start()
    for job in range(10_000):
        jobs.put(job, job % 7, 0.0)
    found = [taken.get(timeout=30) for _ in range(10_000)]
    for _ in takers:
        jobs.put(-1, 7, 0.0)
    for taker in takers:
        taker.join(30)

    assert (sorted(found), taken.empty()) == (list(range(10_000)), True)
