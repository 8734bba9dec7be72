"""The instant of a request."""

from dataclasses import dataclass
from typing import Any

import pytest

from service.clock import MachineClocks, RequestClock, from_header
from service.errors import ClockHeaderRefused
from service.health import skew_state
from service.states import OK

SECOND = 1_000_000
HOUR = 3_600 * SECOND


@dataclass
class Machine:
    """A machine whose wall clock can be wrong by `error_us`, and a database that may be away."""

    true_us: int = 1_000 * HOUR
    error_us: int = 0
    database_is_away: bool = False

    @property
    def clocks(self) -> MachineClocks:
        return MachineClocks(lambda: self.true_us + self.error_us, lambda: self.true_us - HOUR)

    def clock(self) -> "AskingClock":
        return AskingClock(self)


class AskingClock(RequestClock):
    """A clock that asks the machine's database as a request does."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.clocks)
        self.machine = machine

    def now_us(self, database_us: Any = None) -> int:
        machine = self.machine
        return super().now_us(lambda: None if machine.database_is_away else machine.true_us)


def test_a_clock_that_goes_back_a_little_stands_still():
    machine = Machine()
    clock = machine.clock()
    before = clock.now_us()
    machine.error_us = -SECOND // 4

    assert clock.now_us() == before
    machine.true_us += SECOND
    assert clock.now_us() == machine.true_us + machine.error_us


@pytest.mark.parametrize("database", ["there", "away"])
@pytest.mark.parametrize("error_us", [HOUR, -HOUR, 2 * SECOND, -2 * SECOND])
def test_a_wrong_reading_is_not_believed(error_us: int, database: str):
    machine = Machine(database_is_away=database == "away")
    clock = machine.clock()
    clock.now_us()
    machine.true_us += SECOND
    machine.error_us = error_us

    assert clock.now_us() == machine.true_us
    machine.true_us += SECOND
    machine.error_us = 0
    assert clock.now_us() == machine.true_us


@pytest.mark.parametrize("error_us", [HOUR, -HOUR, 2 * SECOND, -2 * SECOND, 4 * SECOND])
def test_a_clock_that_is_set_right_is_followed_at_once(error_us: int):
    machine = Machine(error_us=error_us)
    clock = machine.clock()
    assert clock.now_us() == machine.true_us + error_us
    machine.true_us += SECOND // 2
    machine.error_us = 0

    assert machine.true_us <= clock.now_us() <= machine.true_us + SECOND


def test_without_a_database_a_clock_that_is_set_is_followed_when_it_is_back():
    machine = Machine(error_us=-HOUR, database_is_away=True)
    clock = machine.clock()
    machine.error_us = 0
    assert clock.now_us() == machine.true_us - HOUR
    machine.database_is_away = False

    assert clock.now_us() == machine.true_us


def test_no_instant_of_a_stored_order_is_gone_back_behind():
    machine = Machine(error_us=SECOND)
    clock = machine.clock()
    stored = clock.now_us()
    machine.error_us = 0

    assert clock.now_us() == stored


def test_a_slow_answer_of_the_database_is_no_skew():
    machine = Machine()

    def slow_database() -> int:
        machine.true_us += HOUR
        answer = machine.true_us
        machine.true_us += HOUR
        return answer

    assert machine.clock().skew_us(slow_database) == 0


@pytest.mark.parametrize("error_us", [2 * SECOND, -2 * SECOND])
def test_skew_has_its_direction(error_us: int):
    machine = Machine(error_us=error_us)

    assert machine.clock().skew_us(lambda: machine.true_us) == error_us


def test_a_second_of_skew_is_borne():
    assert skew_state(SECOND) == skew_state(-SECOND) == OK
    assert skew_state(SECOND + 1).state.endswith("1.0 s ahead of PostgreSQL's")
    assert skew_state(-HOUR).state.endswith("3600.0 s behind PostgreSQL's")


def test_a_development_clock_is_an_instant_in_any_zone():
    assert from_header("1970-01-01T00:00:01Z", development=True) == 1_000_000
    assert from_header("1969-12-31T21:00:00.000001-03:00", development=True) == 1


@pytest.mark.parametrize("text", ["", "now", "1527854400", "2018-06-01T12:00:00", "2018-06-01"])
def test_a_clock_without_an_offset_is_refused(text: str):
    with pytest.raises(ClockHeaderRefused):
        from_header(text, development=True)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59.999999Z",
        "2199-12-31T22:00:00-02:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_clock_of_a_year_that_is_not_taken_is_refused(text: str):
    with pytest.raises(ClockHeaderRefused, match="from 1970 to 2199"):
        from_header(text, development=True)


def test_production_refuses_every_clock_header():
    with pytest.raises(ClockHeaderRefused) as refusal:
        from_header("2018-06-01T12:00:00Z", development=False)

    assert "development" in str(refusal.value)
