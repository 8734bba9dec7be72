"""The stages of a demo: told as they go, timed, their output kept in a file each."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from ontem.demo.errors import StageFailed


@dataclass(slots=True)
class Stages:
    """Runs stages in `folder`/logs; `seconds` has what each took."""

    folder: Path
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell that `name` runs, and how long it took."""
        start = time.monotonic()
        with self.console.status(f"{name} …"):
            yield
        self.seconds[name] = round(time.monotonic() - start, 1)
        self.console.print(f"  [green]✓[/green] {name} [dim]{self.seconds[name]:.1f} s[/dim]")

    def run(self, name: str, words: Sequence[str], environ: Mapping[str, str]) -> Path:
        """Run a command as a stage; the file that has what it printed. Raises StageFailed."""
        log = self.folder / "logs" / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with self.stage(name), log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                words, env=dict(environ), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            output.flush()
            if done.returncode:
                raise StageFailed(stage=name, words=words, log=log)
        return log
