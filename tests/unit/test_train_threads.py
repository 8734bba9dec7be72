"""`ontem train` leaves the cores to others where its threads wait."""

import os
import subprocess
import sys

import pytest

from jobs.train.commands import let_waiting_threads_sleep


@pytest.mark.parametrize(("before", "after"), [(None, "passive"), ("active", "active")])
def test_threads_sleep_unless_somebody_has_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", before or "")
    if before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")

    let_waiting_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == after


def test_the_command_says_so_before_openmp_is_there() -> None:
    program = """
import os, sys
import jobs.train.commands as commands
assert "sklearn" not in sys.modules
class Stop(Exception): pass
def find_spec(name, path=None, target=None):
    if name.split(".")[0] == "sklearn":
        print(os.environ.get("OMP_WAIT_POLICY"))
        raise Stop
class Finder:
    find_spec = staticmethod(find_spec)
sys.meta_path.insert(0, Finder)
commands.job_here = commands.open_store = lambda *_: type("Job", (), {"settings": None})
try:
    commands.train.callback(1, None, False, 7, None, estimator='boosting')
except Stop:
    pass
"""
    environ = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("passive\n", "")
