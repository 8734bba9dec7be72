"""How many requests of whom may wait for a thread."""

import queue
import threading
from collections.abc import Iterator

import pytest

from service.worker.fair_queue import FairQueue
from service.worker.threads import Threads


@pytest.fixture
def full_room() -> Iterator[tuple[Threads[str], queue.SimpleQueue[str], threading.Event]]:
    """One thread, which works at `a0`, and four more jobs of the same party, which wait."""
    taken, is_over = queue.SimpleQueue[str](), threading.Event()

    def work(job: str) -> None:
        taken.put(job)
        is_over.wait()

    threads = Threads[str]("test", threads=1, waiting=4, work=work)
    assert threads.put("a0", 1) is None
    assert taken.get() == "a0"
    for number in range(1, 5):
        assert threads.put(f"a{number}", 1) is None
    yield threads, taken, is_over
    is_over.set()


def test_who_fills_the_room_makes_room_for_others_with_its_newest(full_room):
    threads, taken, is_over = full_room

    given_back = [threads.put("a5", 1)]
    given_back += [threads.put(job, party) for job, party in (("b1", 2), ("-1", None), ("b2", 2))]
    given_back += [threads.put(job, party) for job, party in (("c1", 3), ("b3", 2), ("a6", 1))]

    assert given_back == ["a5", "a4", "a3", "a2", "a1", "b3", "a6"]
    assert threads.unfinished == 5
    is_over.set()
    assert [taken.get() for _ in range(4)] == ["b1", "-1", "c1", "b2"]
    assert taken.empty()


def test_a_party_that_has_no_more_than_any_other_makes_no_room(full_room):
    threads, _, _ = full_room
    for number, party in enumerate((2, 3, 4, 5)):
        assert threads.put(f"b{number}", party) == f"a{4 - number}"

    assert threads.put("d", 6) == "d"


def test_a_job_is_not_given_back_because_others_are_done_that_nobody_counted_yet() -> None:
    done = queue.SimpleQueue[int]()
    threads = Threads[int]("test", threads=2, waiting=2, work=done.put)
    assert [threads.put(job, 1) for job in range(4)] == [None] * 4
    assert {done.get() for _ in range(4)} == set(range(4))

    assert threads.put(4, 2) is None
    assert done.get() == 4


def test_a_lane_in_which_none_may_wait_gives_back_what_its_threads_cannot_take() -> None:
    is_over, begun = threading.Event(), threading.Event()

    def work(_: int) -> None:
        begun.set()
        is_over.wait()

    threads = Threads[int]("test", threads=1, waiting=0, work=work)
    assert threads.put(1) is None
    begun.wait()
    assert [threads.put(2), threads.put(3, 7)] == [2, 3]
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
        if job % 3:
            jobs.put(job, job % 7, 0.0)
        else:
            taken.put(jobs.put_in_place(job, job % 7, 0.0, {party: party for party in range(7)})[0])
    found = [taken.get(timeout=30) for _ in range(10_000)]
    for _ in takers:
        jobs.put(-1, 7, 0.0)
    for taker in takers:
        taker.join(30)

    assert (sorted(found), taken.empty()) == (list(range(10_000)), True)
