"""Which of the newest events of an entity lie in a window, and whether they are all."""

from datetime import date

import pytest

from features_pkg.calendar import DAY_US, Calendar
from features_pkg.definitions.velocity import Past, parse_name
from features_pkg.engines.window_events import EntityEvents, NewestEvents, events_in_window
from features_pkg.history.past_orders import PastEvent, PastOrder
from features_pkg.identifiers import Event
from features_pkg.measures.inputs import Instants

CALENDAR = Calendar("America/Sao_Paulo")
DUE_DAY = date(2018, 6, 1).toordinal()
CUTOFF_US = CALENDAR.cutoff_us(DUE_DAY)
AT = Instants(CUTOFF_US + DAY_US // 2, DUE_DAY, CUTOFF_US)


def newest(*at_us: int, is_whole: bool = True) -> NewestEvents:
    return NewestEvents([PastEvent(at, PastOrder("m", str(at), at)) for at in at_us], is_whole)


def found(name: str, distant: NewestEvents, recent: NewestEvents) -> tuple[list[int], bool]:
    """The instants of the events in the window, after the cutoff, and whether they are all."""
    entity = EntityEvents(
        {(Event.ORDER, Past.DISTANT): distant, (Event.ORDER, Past.RECENT): recent}
    )
    events, is_whole = events_in_window(parse_name(name), entity, AT, CALENDAR)
    return [event.at_us - CUTOFF_US for event in events], is_whole


@pytest.mark.parametrize("age", ["first", "last"])
def test_an_age_looks_at_both_pasts_which_meet_at_the_cutoff(age: str) -> None:
    """What the recent read saw before the cutoff is not the load's: it came after it."""
    distant, recent = newest(CUTOFF_US - 2), newest(CUTOFF_US + 5, CUTOFF_US, CUTOFF_US - 1)

    assert found(f"card_{age}_order_age_seconds", distant, recent) == ([5, 0, -2], True)


def test_a_recent_window_looks_at_what_the_recent_read_saw_before_the_cutoff() -> None:
    recent = newest(CUTOFF_US, CUTOFF_US - DAY_US // 2, CUTOFF_US - DAY_US // 2 - 1)
    nothing = newest()

    assert found("card_orders_24h_recent", nothing, recent) == ([0, -DAY_US // 2], True)
    assert found("card_orders_since_cutoff_recent", nothing, recent) == ([0], True)


def test_a_window_is_whole_if_an_event_before_it_was_read() -> None:
    in_window, before = CUTOFF_US - 2 * DAY_US, CUTOFF_US - 8 * DAY_US
    ends_inside, reaches_back = newest(in_window, is_whole=False), newest(before, is_whole=False)
    both = newest(in_window, before, is_whole=False)

    assert found("card_orders_7d_distant", ends_inside, newest()) == ([-2 * DAY_US], False)
    assert found("card_orders_7d_distant", reaches_back, newest()) == ([], True)
    assert found("card_orders_7d_distant", both, newest()) == ([-2 * DAY_US], True)
    assert found("card_orders_ever_distant", both, newest())[1] is False
    assert found("card_first_order_age_seconds", both, newest())[1] is False


def test_a_window_with_a_delay_ends_at_the_first_instant_of_its_day() -> None:
    """`7d_delay_2d` are the days of 2018-05-23 up to 2018-05-29."""
    start, end = CALENDAR.cutoff_us(DUE_DAY - 9), CALENDAR.cutoff_us(DUE_DAY - 2)
    events = newest(CUTOFF_US - 1, end, end - 1, start, start - 1, is_whole=False)
    only_newer = newest(CUTOFF_US - 1, end, is_whole=False)
    inside = [end - 1 - CUTOFF_US, start - CUTOFF_US]

    assert found("card_orders_7d_delay_2d_distant", events, newest()) == (inside, True)
    assert found("card_orders_7d_delay_2d_distant", only_newer, newest()) == ([], False)
    assert found("card_orders_ever_delay_2d_distant", events, newest()) == (
        [*inside, start - 1 - CUTOFF_US],
        False,
    )
