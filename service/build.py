"""Which Ontem a process runs: told by the command that starts it, which alone can count commits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Build:
    """The version of the running program, and its commit where that is known."""

    version: str = "unknown"
    commit: str = ""
