"""Active and inactive entities, counted from night to night without looking at them again."""

from collections import Counter
from datetime import date

import numpy as np

from features_pkg.timelines.read import LISTED_DAYS
from jobs.snapshot.activity import Activity

JUNE = date(2018, 6, 1).toordinal()


def test_an_event_of_the_longest_window_makes_an_entity_active() -> None:
    days = {JUNE - 1: 2, JUNE - LISTED_DAYS: 3, JUNE - LISTED_DAYS - 1: 5, JUNE - 900: 7}

    found = Activity.of(days, JUNE)

    assert (found.active, found.inactive) == (5, 12)


def test_changes_of_many_nights_are_a_count_of_all() -> None:
    random = np.random.default_rng(1)
    last_day = {number: JUNE - int(random.integers(1, 200)) for number in range(300)}
    found = Activity.of(Counter(last_day.values()), JUNE)
    day = JUNE
    for _ in range(12):
        later, changes = day + int(random.integers(1, 25)), Counter[int]()
        for number in random.integers(0, 400, 30).tolist():
            if number in last_day:
                changes[last_day[number]] -= 1
            at = later - int(random.integers(1, 120))
            last_day[number] = max(at, last_day.get(number, 0))
            changes[last_day[number]] += 1
        found = found.after(changes, day, later)
        day = later
        assert found == Activity.of(Counter(last_day.values()), day)
