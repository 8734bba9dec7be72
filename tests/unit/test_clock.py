"""The instant of a request."""

import pytest

from service.clock import SteadyClock, from_header
from service.errors import ClockHeaderRefused


def test_a_clock_never_goes_back():
    machine_clock = iter([5, 7, 6, 3, 8])
    clock = SteadyClock(lambda: next(machine_clock))

    assert [clock.now_us() for _ in range(5)] == [5, 7, 7, 7, 8]


def test_a_development_clock_is_an_instant_in_any_zone():
    assert from_header("1970-01-01T00:00:01Z", development=True) == 1_000_000
    assert from_header("1969-12-31T21:00:00.000001-03:00", development=True) == 1


@pytest.mark.parametrize("text", ["", "now", "1527854400", "2018-06-01T12:00:00", "2018-06-01"])
def test_a_clock_without_an_offset_is_refused(text: str):
    with pytest.raises(ClockHeaderRefused):
        from_header(text, development=True)


def test_production_refuses_every_clock_header():
    with pytest.raises(ClockHeaderRefused) as refusal:
        from_header("2018-06-01T12:00:00Z", development=False)

    assert "development" in str(refusal.value)
