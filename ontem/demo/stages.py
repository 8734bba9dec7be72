"""The stages of a demo: shown while they run, timed, with a log file for each command."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from ontem.demo.errors import StageFailed


@dataclass(slots=True)
class DemoStages:
    """Runs stages and keeps the logs in the folder `logs`; `seconds` has how long each took."""

    logs: Path
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Show that `name` runs, and afterwards how long it took."""
        start = time.monotonic()
        with self.console.status(f"{name} …"):
            yield
        self.seconds[name] = round(time.monotonic() - start, 1)
        self.console.print(f"  [green]✓[/green] {name} [dim]{self.seconds[name]:.1f} s[/dim]")

    def run(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Run a command as a stage; what it prints goes to a log. Raises StageFailed."""
        log = self.logs / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with self.stage(name), log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            output.flush()
            if done.returncode:
                raise StageFailed(stage=name, command=command, log=log)


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module such as `jobs` with this interpreter."""
    return [sys.executable, "-m", module, *arguments]
