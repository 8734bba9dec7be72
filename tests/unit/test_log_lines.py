"""The log is never in the way: few lines of a kind, one line per event, no wait, no error."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service import log
from service.log_lines import Lines, RateLimit
from tests.unit.clocks import Clock


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that returns the lines that the log has written to a file."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        monkeypatch.setattr(log, "_lines", Lines(file.fileno()))
        monkeypatch.setattr(log, "_least_severity", 0)
        monkeypatch.setattr(log, "_errors", RateLimit(10, Clock()))
        yield lambda: path.read_bytes().split(b"\n")[:-1]


def test_of_twenty_thousand_errors_in_a_second_few_are_written_and_the_next_tells_how_many(
    written, monkeypatch
):
    clock = Clock()
    monkeypatch.setattr(log, "_errors", RateLimit(10, clock))
    for _ in range(20_000):
        log.error("store failed")
    clock.now += 1
    log.error("store failed")
    log.error("store failed")
    lines = [json.loads(line) for line in written()]

    assert len(lines) == 12
    assert lines[10]["dropped_before"] == 19_990
    assert "dropped_before" not in lines[11]


def test_many_lines_of_one_event_do_not_silence_another(written):
    for _ in range(100):
        log.error("store failed")
    log.error("unexpected")

    assert json.loads(written()[-1])["event"] == "unexpected"


@pytest.mark.parametrize("value", ["a\r\nb", "\x1b[31mred", "\x9b31m", "\u2028", "\x7f", "a\x00b"])
def test_no_value_ends_or_colours_a_line(written, value):
    log.error("unexpected", code_line=value)
    (line,) = written()

    assert all(32 <= byte < 127 for byte in line)
    assert json.loads(line)["code_line"] == value


def test_a_full_disk_is_no_error_and_no_line():
    with Path("/dev/full").open("wb") as full:
        assert not Lines(full.fileno()).write(b"{}\n")


def test_a_reader_that_reads_no_more_is_not_waited_for():
    reader, writer = os.pipe()
    lines = Lines(writer)
    line = b"x" * 1_023 + b"\n"
    written = 0
    while lines.write(line):
        written += 1

    assert written >= 1
    os.read(reader, 1 << 20)
    assert lines.write(line)
    os.close(reader)
    assert not lines.write(line)  # nobody reads any more
    os.close(writer)


def test_after_a_line_that_was_cut_off_the_next_begins_on_a_line_of_its_own(tmp_path: Path):
    program = """
import resource, sys
from service.log_lines import Lines
with open(sys.argv[1], "wb") as file:
    lines = Lines(file.fileno())
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))  # the disk is full
    written = [lines.write(b"first\\n"), lines.write(b"second\\n"), lines.write(b"third\\n")]
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))  # it is not any more
    print(*written, lines.write(b"fourth\\n"))
"""
    path = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["True", "False", "False", "True"]
    assert path.read_bytes() == b"first\nseco\nfourth\n"


def test_a_line_is_at_most_what_a_pipe_takes_at_once(tmp_path: Path):
    with (tmp_path / "log").open("wb") as file:
        assert Lines(file.fileno()).write(b"x" * 10_000 + b"\n")
    assert (tmp_path / "log").stat().st_size == 4_096


def test_threads_write_at_the_same_time(tmp_path: Path) -> None:
    path, threads, each = tmp_path / "log", 8, 500
    with path.open("wb") as file, ThreadPoolExecutor(threads) as pool:
        lines = Lines(file.fileno())
        written = list(pool.map(lambda _: lines.write(b"{}\n"), range(threads * each)))

    assert written == [True] * (threads * each)
    assert path.read_bytes() == b"{}\n" * (threads * each)
