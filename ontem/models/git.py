"""Commands of git whose settings no file has, and which ask nobody."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from features_pkg.errors import OntemError
from ontem.models.errors import GitFailed, RemoteUnknown, TokenRefused
from ontem.version import ELSEWHERE

TIMEOUT_SECONDS: Final = 300
NOT_THERE: Final = re.compile(r"not a git repository|No such remote|couldn't find remote ref")
"""What git says, in the language C, where trying again would not help."""
DENIED: Final = re.compile(
    r"Authentication failed|could not read (Username|Password)|repository '\S+' not found"
    r"|URL returned error: (3\d\d|40[134])\b"
)
"""What git says where a server with http does not take who asks, or has moved."""
NO_TRACES: Final = dict.fromkeys(("GIT_TRACE2", "GIT_TRACE2_EVENT", "GIT_TRACE2_PERF"), "0")
"""A trace may have each setting in it; one may be asked for by a file of git's, too."""
Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder. Its settings are in no file, in no list of processes and in no trace."""

    folder: Path
    settings: Settings = field(default=(), repr=False)

    def text(self, *words: str, folder: Path | None = None) -> str:
        """What a command prints. Raises GitFailed, RemoteUnknown and TokenRefused."""
        return self.checked(self.run(*words, folder=folder), words[0]).decode(errors="replace")

    def checked(self, done: subprocess.CompletedProcess[bytes], step: str) -> bytes:
        """What a command printed. Raises GitFailed, RemoteUnknown and TokenRefused."""
        if done.returncode != 0:
            raise _error(step, done)
        return done.stdout

    def run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """A command that has ended, well or not. Raises GitFailed where it does not end."""
        try:
            return subprocess.run(
                ["git", *words],
                cwd=folder or self.folder,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or "it does not end"
            raise GitFailed(step=words[0], reason=reason) from None

    def _environ(self) -> dict[str, str]:
        """The variables of git: no question to a person, no trace, and the settings, which win."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_TRACE", "GIT_CURL_VERBOSE")) and name not in ELSEWHERE
        }
        before = environ.get("GIT_CONFIG_COUNT", "")
        first = int(before) if before.isdecimal() else 0
        for number, (name, value) in enumerate(self.settings, first):
            environ[f"GIT_CONFIG_KEY_{number}"] = name
            environ[f"GIT_CONFIG_VALUE_{number}"] = value
        return {
            **environ,
            **NO_TRACES,
            "GIT_CONFIG_COUNT": str(first + len(self.settings)),
            "GIT_ASKPASS": "",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }


def _error(step: str, done: subprocess.CompletedProcess[bytes]) -> OntemError:
    said = [line.strip() for line in done.stderr.decode(errors="replace").splitlines()]
    told = [line for line in said if line.startswith(("fatal: ", "! ["))]  # advice may follow it
    reason = (told or [line for line in said if line][-1:] or [f"exit code {done.returncode}"])[0]
    if DENIED.search(reason):
        return TokenRefused(step=step, reason=reason)
    kind = RemoteUnknown if NOT_THERE.search(reason) else GitFailed
    return kind(step=step, reason=reason)
