"""deploy/repeat: a command again after what can pass, and never against somebody's will."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from jobs.exit_codes import EXIT_CODES, REPEATED

REPEAT = Path(__file__).resolve().parents[2] / "deploy" / "repeat"
COUNTED = 'echo x >>"$0"; exit "$1"'


def start(*words: str, times: str = "2", seconds: str = "0") -> "subprocess.Popen[str]":
    environ = {**os.environ, "ONTEM_REPEATS": times, "ONTEM_REPEAT_SECONDS": seconds}
    return subprocess.Popen(
        [REPEAT, *words], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("code", sorted({0, 2, 137, *EXIT_CODES.values()}))
def test_only_after_a_code_that_can_pass_a_command_is_run_again(tmp_path: Path, code: int) -> None:
    runs = tmp_path / "runs"
    repeat = start("bash", "-c", COUNTED, str(runs), str(code))
    repeat.communicate()

    of_somebody = 130
    assert repeat.returncode == code
    assert len(runs.read_text().split()) == (3 if code in REPEATED - {of_somebody} else 1)


def test_a_command_that_is_well_the_second_time_is_well(tmp_path: Path) -> None:
    there = tmp_path / "there"
    repeat = start("bash", "-c", f'[ -e "{there}" ] || {{ touch "{there}"; exit 5; }}')
    _, said = repeat.communicate()

    assert repeat.returncode == 0
    assert said.count("again in 0 s") == 1


def test_a_command_that_is_not_there_is_not_well() -> None:
    repeat = start("no-such-command")
    repeat.communicate()

    assert repeat.returncode == 127


def test_no_command_at_all_is_not_well() -> None:
    repeat = start()
    _, said = repeat.communicate()

    assert repeat.returncode == 2
    assert said == "repeat: write the command to run after it\n"


def test_a_term_ends_the_command_in_order() -> None:
    repeat = start("bash", "-c", 'trap "echo ending; exit 130" TERM; echo ready; sleep 600 & wait')
    assert repeat.stdout is not None
    assert repeat.stdout.readline() == "ready\n"
    repeat.send_signal(signal.SIGTERM)

    assert repeat.stdout.readline() == "ending\n"
    assert repeat.wait() == 130


def test_a_term_between_two_runs_ends_the_waiting() -> None:
    repeat = start("bash", "-c", "exit 4", seconds="600")
    assert repeat.stderr is not None
    assert "again in 600 s" in repeat.stderr.readline()
    repeat.send_signal(signal.SIGTERM)

    assert repeat.wait() == 4


@pytest.mark.parametrize(("times", "seconds"), [("often", "0"), ("1", "5m"), ("-1", "0")])
def test_numbers_that_are_none_are_refused(times: str, seconds: str) -> None:
    repeat = start("true", times=times, seconds=seconds)
    _, said = repeat.communicate()

    assert (repeat.returncode, said.count("\n")) == (3, 1)
    assert "write whole numbers" in said
