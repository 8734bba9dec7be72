"""A page whose commands run: its blocks of shell, what they print, and a terminal for them."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FENCED: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING: Final = (
    (re.compile(r"^  .+ \.\.\. \(last time \d+ s\)\n", re.MULTILINE), ""),  # of a slow machine
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?"), "<instant>"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "<day>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\b\d{8}-[0-9a-f]{8}\b"), "<model>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b"), "<id>"),
    (re.compile(r"\b\d+(\.\d+)?e-\d+\b|\b\d+\.\d+\b"), "<decimal>"),
)
"""What differs from run to run. Whole numbers do not; where one does, the page has a `…`."""


@dataclass(frozen=True, slots=True)
class Block:
    """Commands of the page, and the output that it shows below them, if it does."""

    commands: str
    shown: str | None


def blocks_of(page: str) -> list[Block]:
    """The blocks of shell in order; one of another language is the output of the one above it."""
    blocks: list[Block] = []
    for language, text in FENCED.findall(page):
        if language == "sh":
            blocks.append(Block(text, None))
        else:
            assert blocks, "an output without a command"
            assert blocks[-1].shown is None, f"two outputs of {blocks[-1].commands}"
            blocks[-1] = Block(blocks[-1].commands, text)
    return blocks


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether what was printed is what the page shows; `…` stands for anything within a line."""
    pattern = re.escape(_without_varying(shown).strip()).replace("…", "[^\n]*")
    return re.fullmatch(pattern, _without_varying(printed).strip()) is not None


def _without_varying(text: str) -> str:
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return text


class Terminal:
    """One shell that runs block after block, as somebody who copies them into a terminal."""

    END: Final = "-- end of a block --"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "-e"], cwd=folder, env=dict(environ), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, commands: str) -> str:
        """What the commands print; the first one that fails ends the test."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{{\n{commands}\n}} </dev/null\necho; echo '{self.END}'\n")
        self._shell.stdin.flush()
        printed = ""
        for line in self._shell.stdout:
            if line.rstrip() == self.END:
                return printed
            printed += line
        raise AssertionError(f"a command failed in\n{commands}\nwhich printed\n{printed}")

    def close(self) -> None:
        """End the shell."""
        self._shell.communicate()
