"""How many requests of whom may wait for a thread."""

import threading

from service.worker.threads import Threads


def test_a_party_gets_half_of_the_room_and_the_rest_is_for_others():
    is_over = threading.Event()
    threads = Threads[int]("test", threads=1, waiting=3, work=lambda _: is_over.wait() and None)

    assert [threads.put(1, party=7) for _ in range(3)] == [True, True, False]
    assert [threads.put(1, party=8), threads.put(1), threads.put(1)] == [True, True, False]

    threads.finished()
    assert threads.put(1, party=7) is False
    threads.finished(party=7)
    assert [threads.put(1, party=7), threads.put(1, party=7)] == [True, False]
    assert threads.unfinished == 3
    is_over.set()
