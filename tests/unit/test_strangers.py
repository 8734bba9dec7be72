"""When a worker refuses those without a known key."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service.worker.connection import Connection, State
from service.worker.strangers import AT_ONCE, LONGEST_SECONDS, PER_SECOND, Strangers

PAUSE = 1 / PER_SECOND


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    """More than are refused within LONGEST_SECONDS."""
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(2 * PER_SECOND + 30)]
        yield [Connection(each, None, None) for each in sockets]


def test_a_few_are_refused_at_once_and_the_others_one_after_the_other(
    connections: list[Connection],
):
    strangers, now = Strangers(), 100.0
    held = [each for each in connections[: AT_ONCE + 5] if strangers.hold(each, b"no", now)]

    assert held == connections[AT_ONCE + 1 : AT_ONCE + 5]
    assert {each.state for each in held} == {State.HELD}
    assert strangers.seconds_left(now, 1.0) == pytest.approx((AT_ONCE + 1) * PAUSE)
    assert list(strangers.whose_turn_it_is(now + AT_ONCE * PAUSE)) == []
    assert list(strangers.whose_turn_it_is(now + (AT_ONCE + 2.5) * PAUSE)) == held[:2]
    assert list(strangers.whose_turn_it_is(now + 1)) == held[2:]
    assert strangers.seconds_left(now + 1, 1.0) == 1.0


def test_nobody_waits_longer_than_the_longest_wait(connections: list[Connection]):
    strangers, now = Strangers(), 100.0
    held = [each for each in connections if strangers.hold(each, b"no", now)]

    assert len(held) == len(connections) - AT_ONCE - 1
    assert max(each.deadline for each in held) == now + LONGEST_SECONDS
    assert list(strangers.whose_turn_it_is(now + LONGEST_SECONDS)) == held


def test_a_client_that_is_refused_in_another_way_meanwhile_has_no_turn(
    connections: list[Connection],
):
    strangers = Strangers()
    held = [each for each in connections if strangers.hold(each, b"no", 100.0)]
    held[0].wait(State.SENDING, 200.0)

    assert list(strangers.whose_turn_it_is(100.0 + LONGEST_SECONDS)) == held[1:]


def test_after_a_while_a_few_are_refused_at_once_again(connections: list[Connection]):
    strangers = Strangers()
    for each in connections:
        strangers.hold(each, b"no", 100.0)

    assert not strangers.hold(connections[0], b"no", 110.0)
