"""What `make gate` makes of its measurements."""

import pytest

from benchmarks.gate import NOT_MEASURED, OK, SLIPPED, Run, keep, kept_file, main, verdict

KEPT = 6.0
FAST, SLOW = Run(7.9, 0.05), Run(8.1, 0.05)
DISTURBED, DISTURBED_SLOW = Run(5.0, 0.11), Run(30.0, 0.11)


@pytest.mark.parametrize(
    ("runs", "code", "measurements"),
    [
        ([FAST], OK, 1),
        ([SLOW, SLOW, FAST], OK, 3),
        ([DISTURBED, FAST], OK, 2),
        ([SLOW, SLOW, SLOW], SLIPPED, 3),
        ([SLOW, DISTURBED, SLOW], NOT_MEASURED, 3),
        ([DISTURBED, DISTURBED, DISTURBED], NOT_MEASURED, 3),
        ([DISTURBED_SLOW, DISTURBED_SLOW, DISTURBED_SLOW], NOT_MEASURED, 3),
    ],
)
def test_a_verdict(runs: list[Run], code: int, measurements: int) -> None:
    told: list[str] = []

    assert verdict(KEPT, [*runs, *runs], told.append) == code
    assert sum(line.startswith("run ") for line in told) == measurements


def test_a_ratio_is_kept_in_a_file_that_says_how() -> None:
    assert "ratio = 7.25\n" in kept_file(7.254)


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kep"]) == 2
    assert "make gate ARGS=--keep" in capsys.readouterr().err


def test_without_a_calm_run_the_kept_figure_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert keep([]) == NOT_MEASURED
    assert "the kept figure stays" in capsys.readouterr().out
