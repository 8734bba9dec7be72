"""A peer that is run in a process of its own until it is done or its time is over."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.plan import KINDS, Plan, same_memory, seconds_of_a_kind, steps_of
from features_pkg.definitions.velocity import Past
from jobs.machine import usable_cores
from stores.settings import Settings

SPARE_SECONDS = 60
"""What a peer has beside the time of its steps: to start, and to bring all features together."""


@dataclass(frozen=True)
class Peer:
    """What a peer has done: seconds and number of features of each kind, and of the join."""

    plan: Plan
    steps: dict[int, float]
    join: float | None

    def features(self, kind: str) -> int:
        """How many features of a kind it has computed."""
        return sum(len(self.plan.steps[number][1]) for number in self._numbers(kind))

    def seconds(self, kind: str) -> float:
        """How long they took, with their share of the join."""
        own = sum(self.steps[number] for number in self._numbers(kind))
        all_features = sum(self.features(each) for each in KINDS)
        return own + (self.join or 0.0) * self.features(kind) / max(all_features, 1)

    def pieces(self) -> Iterator[tuple[str, list[str]]]:
        """The file of each step that was done, and the features in it."""
        for number in self.steps:
            yield self.plan.piece(number), self.plan.steps[number][1]

    def _numbers(self, kind: str) -> list[int]:
        """The steps of a kind that were done."""
        return [number for number in self.steps if self.plan.steps[number][0] == kind]


@contextmanager
def plan_of(
    files: Sequence[str], steps: list[tuple[str, list[str]]], settings: Settings
) -> Iterator[Plan]:
    """A plan with a folder of its own, which goes with the context."""
    folder = Path(tempfile.mkdtemp(prefix="ontem-peer-"))
    try:
        yield Plan(
            files=list(files),
            folder=str(folder),
            steps=steps,
            seconds=seconds_of_a_kind(),
            timezone=settings.timezone,
            lag_seconds=int(settings.snapshot_lag.total_seconds()),
            cores=usable_cores(),
            memory_mb=same_memory() // 10**6,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def peer_of(
    module: str, files: Sequence[str], pasts: Sequence[Past], settings: Settings
) -> Iterator[Peer]:
    """What the peer of a module has done with these events; its files go with the context."""
    with plan_of(files, steps_of(pasts), settings) as plan:
        run_until(module, plan.write(), 4 * plan.seconds + SPARE_SECONDS)
        yield read_peer(plan)


def run_until(module: str, plan: str, seconds: float) -> None:
    """Run a peer, and end it with all it has started when its time is over."""
    command = [sys.executable, "-m", module, plan]
    process = subprocess.Popen(command, start_new_session=True, stdout=sys.stderr)
    try:
        if process.wait(seconds):
            raise subprocess.CalledProcessError(process.returncode, command)
    except subprocess.TimeoutExpired:
        print(f"{module} was ended after {seconds:.0f} s", file=sys.stderr)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read_peer(plan: Plan) -> Peer:
    """The peer whose plan this is, by what it has noted."""
    lines = (Path(plan.folder) / "times.jsonl").read_text(encoding="utf-8").splitlines()
    noted = [json.loads(line) for line in lines]
    steps = {note["step"]: note["seconds"] for note in noted if "step" in note}
    join = next((note["join"] for note in noted if "join" in note), None)
    return Peer(plan, steps, join)
