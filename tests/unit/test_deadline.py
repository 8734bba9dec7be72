"""One deadline per request, of which each part gets its share."""

from datetime import timedelta

from service.deadline import Deadline
from tests.unit.clocks import Clock


def a_deadline(clock: Clock, milliseconds: int = 150) -> Deadline:
    return Deadline.after(clock.now, timedelta(milliseconds=milliseconds), clock)


def test_what_is_left_becomes_less_and_never_less_than_nothing():
    clock = Clock()
    deadline = a_deadline(clock)

    assert round(deadline.left(), 6) == 0.15
    clock.now += 0.1
    assert round(deadline.left(), 6) == 0.05
    clock.now += 1
    assert deadline.left() == 0


def test_a_part_is_a_share_of_the_whole_and_not_of_what_is_left():
    clock = Clock()
    deadline = a_deadline(clock)
    clock.now += 0.09

    assert round(deadline.part(2 / 3).left(), 6) == 0.01
    assert deadline.part(1 / 3).left() == 0


def test_a_policy_lowers_a_deadline_from_its_start_and_never_raises_it():
    clock = Clock()
    deadline = a_deadline(clock)
    clock.now += 0.02

    assert round(deadline.lowered(50).left(), 6) == 0.03
    assert deadline.lowered(500) == deadline.lowered(None) == deadline
