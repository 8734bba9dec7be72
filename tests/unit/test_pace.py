"""When a worker refuses those that ask without end."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service.worker.connection import Connection, State
from service.worker.pace import AT_ONCE_SECONDS, LONGEST_SECONDS, Pace, Paces

PER_SECOND = 50
PAUSE = 1 / PER_SECOND
AT_ONCE = round(AT_ONCE_SECONDS * PER_SECOND)


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    """More than are refused within LONGEST_SECONDS."""
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(2 * PER_SECOND + 30)]
        yield [Connection(each, None, None) for each in sockets]


def test_a_few_are_refused_at_once_and_the_others_one_after_the_other(
    connections: list[Connection],
):
    pace, now = Pace(PER_SECOND), 100.0
    held = [each for each in connections[: AT_ONCE + 5] if pace.delay(each, now)]

    assert held == connections[AT_ONCE + 1 : AT_ONCE + 5]
    assert {each.state for each in held} == {State.TURN}
    assert pace.seconds_left(now, 1.0) == pytest.approx((AT_ONCE + 1) * PAUSE)
    assert list(pace.due(now + AT_ONCE * PAUSE)) == []
    assert list(pace.due(now + (AT_ONCE + 2.5) * PAUSE)) == held[:2]
    assert list(pace.due(now + 1)) == held[2:]
    assert pace.seconds_left(now + 1, 1.0) == 1.0


def test_nobody_waits_longer_than_the_longest_wait(connections: list[Connection]):
    pace, now = Pace(PER_SECOND), 100.0
    held = [each for each in connections if pace.delay(each, now)]

    assert len(held) == len(connections) - AT_ONCE - 1
    assert max(each.deadline for each in held) == now + LONGEST_SECONDS
    assert list(pace.due(now + LONGEST_SECONDS)) == held


def test_a_client_that_is_refused_in_another_way_meanwhile_has_no_turn(
    connections: list[Connection],
):
    pace = Pace(PER_SECOND)
    held = [each for each in connections if pace.delay(each, 100.0)]
    held[0].wait(State.SENDING, 200.0)

    assert list(pace.due(100.0 + LONGEST_SECONDS)) == held[1:]


def test_after_a_while_a_few_are_refused_at_once_again(connections: list[Connection]):
    pace = Pace(PER_SECOND)
    for each in connections:
        pace.delay(each, 100.0)

    assert not pace.delay(connections[0], 110.0)


def test_a_merchant_that_errs_never_waits_and_one_that_asks_too_much_waits_after_many(
    connections: list[Connection],
):
    paces = Paces()
    for each in connections:
        each.has_right_key = True
    erring = [each for each in connections if paces.delay_refusal(each, 100.0, is_limited=False)]
    asking = [
        paces.delay_refusal(each, 100.0, is_limited=True) for each in (*connections, *connections)
    ]

    assert erring == []
    assert (asking[0], asking[-1]) == (False, True)
    assert list(paces.due(100.0 + LONGEST_SECONDS)) != []
    assert paces.seconds_left(100.0, 1.0) == 1.0


def test_requests_that_need_no_key_have_a_pace_of_their_own(connections: list[Connection]):
    paces = Paces()
    refused = [paces.delay_refusal(each, 100.0, is_limited=False) for each in connections]

    assert refused[-1]
    assert not paces.delay_open(connections[0], 100.0)
    held = [each for each in connections if paces.delay_open(each, 100.0)]
    assert held[-1] in list(paces.due(100.0 + LONGEST_SECONDS))
