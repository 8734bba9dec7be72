"""Kills one command again and again, and knows what everybody may see afterwards."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path

import psutil
import pytest

from stores.settings import Settings
from tests.integration.kill_shop import PROJECT, Shop, State
from tests.integration.killable import Kill, Progress
from tests.integration.test_nights import environment

LOST_WORKER = "one of the 2 processes that write events was ended from outside"
LOST_SPARK = "Spark did not finish (one of its Python workers was ended from outside"


@dataclass(frozen=True)
class Clean:
    """What is committed before and after a run that nothing disturbs, and its counted work."""

    before: State
    after: State
    progress: Progress

    def state(self, new: Sequence[str]) -> State:
        """The state of which only these parts are new."""
        return {part: (self.after if part in new else self.before)[part] for part in self.before}


def run_clean(shop: Shop, folder: Path, run: Callable[[], object], new: Sequence[str]) -> Clean:
    """Run what is to be killed elsewhere, and count its work in the folder; `new` changes."""
    before, progress = shop.state(), Progress(folder)
    with pytest.MonkeyPatch.context() as patch:
        progress.count(patch)
        run()
    after = shop.state()
    assert {part for part in before if before[part] != after[part]} == set(new)
    return Clean(before, after, progress)


@dataclass(frozen=True)
class Killer:
    """Runs one command again and again, and kills it.

    Each run begins with what the killed ones before it left, so it shows that this does no harm.
    """

    shop: Shop
    clean: Clean
    words: Sequence[str]
    forks: "Forks"

    def kill(self, stage: str, share: float, victim: str, new: Sequence[str]) -> str:
        """Kill at a share of a stage's work: just the parts `new` are. The recorded sentence."""
        work = ceil(self.clean.progress.of(stage) * share)
        code, errors = self.forks.run(Kill(stage, work, victim), *self.words)
        is_driver, run = victim == "driver", self.shop.newest_run()
        assert code == (-signal.SIGKILL if is_driver else 1), errors
        assert "Traceback" not in errors
        assert run.outcome == ("killed" if is_driver else "failed")
        assert self.shop.state() == self.clean.state(new), (stage, share, victim)
        return run.error or ""

    def finish(self) -> str:
        """Run the command to its end; how it ended by the record."""
        ended = self.forks.run_to_its_end(*self.words)
        assert ended.returncode == 0, ended.stderr
        return self.shop.newest_run().outcome


@dataclass(frozen=True)
class Forks:
    """Runs of commands in one folder; each returns once all that it started has ended."""

    folder: Path
    variables: Mapping[str, str]
    process: "subprocess.Popen[str]"
    """That of `killable`."""

    def run(self, kill: Kill, *words: str) -> tuple[int, str]:
        """The exit code of a run that is killed, and its error output."""
        counts = tempfile.mkdtemp(dir=self.folder)
        request = {"folder": counts, "kill": asdict(kill), "words": words}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        self._wait()
        return code, (Path(counts) / "errors").read_text(encoding="utf-8")

    def run_to_its_end(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A process as a scheduler starts it."""
        ended = subprocess.run(
            [sys.executable, "-m", "jobs", *words],
            cwd=self.folder, env=dict(self.variables), capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        self._wait()
        return ended

    def _wait(self) -> None:
        folder = str(self.folder)
        found = [each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == folder]
        _, alive = psutil.wait_procs([p for p in found if p.pid != self.process.pid], timeout=60)
        assert alive == []


@contextmanager
def forks_in(folder: Path, settings: Settings) -> Iterator[Forks]:
    """Runs in a folder, on the stores of these settings."""
    urls = (settings.postgres_url, settings.redis_url, settings.storage_url)
    variables = {
        **os.environ,
        **environment(*urls),
        "PYTHONPATH": str(PROJECT),
        "SPARK_MASTER": "local[1]",
        "LABEL_MATURITY_DAYS": str(settings.label_maturity.days),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.killable"],
        cwd=folder, env=variables, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Forks(folder, variables, process)
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def a_killer(shop: Shop, clean: Clean, words: Sequence[str]) -> Iterator[Killer]:
    """A killer of one command in a shop that is as the clean one was."""
    assert shop.state() == clean.before
    with forks_in(shop.folder, shop.job.settings) as forks:
        yield Killer(shop, clean, words, forks)
