"""What the jobs' commands take for days and instants."""

import pytest
from click.testing import CliRunner

from jobs.snapshot.night_commands import night
from jobs.training_set.commands import training_set


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_that_no_order_can_have_is_refused_with_its_option(day: str) -> None:
    for command, words in (
        (training_set, ["--from", day]),
        (training_set, ["--from", "2018-05-01", "--to", day]),
        (night, ["--as-of", day]),
        (night, ["--backfill", "2018-05-01", day]),
    ):
        refused = CliRunner().invoke(command, words)

        option = next(word for word in reversed(words) if word.startswith("--"))
        assert refused.exit_code == 2
        assert f"Invalid value for '{option}'" in refused.output
        assert f"{day} is before 1970 or after 2199; write it like 2018-06-01" in refused.output


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_an_instant_that_no_order_can_have_is_refused_with_its_option(instant: str) -> None:
    for option in ("--clock", "--labels-as-of"):
        refused = CliRunner().invoke(training_set, ["--from", "2018-05-01", option, instant])

        assert refused.exit_code == 2
        assert f"Invalid value for '{option}': {instant} is before 1970" in refused.output
