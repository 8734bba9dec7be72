"""How old what a cleaning lets go must be, as its command takes it."""

import re
from datetime import timedelta
from typing import Final

import click

LEAST_AGE: Final = timedelta(days=1)
"""Nothing younger is let go or removed: a run that nobody sees may be writing it."""
MOST_DAYS: Final = 36_500
UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Age(click.ParamType[timedelta]):
    """An age, such as 30d."""

    name = "age"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The age; one that is malformed or too short ends the command with a sentence."""
        found = re.fullmatch(r"([0-9]{1,9})([hdw])", value)
        if found is None:
            self.fail(f"{value!r} is not an age; write it like 30d, 12w or 48h")
        count, unit = int(found[1]), UNITS[found[2]]
        if count * unit.total_seconds() > timedelta(days=MOST_DAYS).total_seconds():
            self.fail(f"{value} is more than {MOST_DAYS}d, the greatest age: give a shorter one")
        if count * unit < LEAST_AGE:
            self.fail(
                f"{value} is less than {LEAST_AGE.days}d, the least age, because a run may still "
                "write or read what is younger: give an age of 1d or more"
            )
        return count * unit
