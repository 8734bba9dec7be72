"""What can go wrong with the local stack."""

from pathlib import Path

from features_pkg.errors import OntemError


class StackError(OntemError):
    """The local stack cannot be started, stopped or found."""


class ServerDidNotStart(StackError):
    """A server ended or did not answer; the sentence has the end of its log."""

    def __init__(self, *, server: str, log: Path) -> None:
        super().__init__(f"{server} did not start: {end_of_log(log)} (its log is {log})")
        self.server, self.log = server, log


def end_of_log(log: Path, *, lines: int = 4) -> str:
    """The last lines of a log on one line, for a message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "there is no log"
    return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())
