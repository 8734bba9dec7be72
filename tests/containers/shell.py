"""The lines of `docker compose` that a page shows, done by a rehearsal."""

import shlex
from dataclasses import dataclass, field

from tests.containers.compose_file import PROJECT, ComposeFile
from tests.containers.rehearsal import Outcome, Rehearsal


@dataclass
class Shell:
    """A terminal in the folder of docker-compose.yml; `lines` are those that it has done."""

    stack: Rehearsal
    lines: list[str] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    """Of the last `up`."""

    def do(self, line: str) -> str:
        """What the line prints. Raises StepFailed."""
        self.lines.append(line)
        words = shlex.split(line)
        variables = dict(word.split("=", 1) for word in words if "=" in word.partition("-")[0])
        words = [word for word in words if word not in map("=".join, variables.items())]
        assert words[:2] == ["docker", "compose"], line
        action, *rest = words[2:]
        names = [word for word in rest if not word.startswith("-")]
        if action == "up":
            self.stack.file = ComposeFile(PROJECT / "docker-compose.yml", variables)
            self.outcome = self.stack.up()
            return "".join(self.outcome.printed.values())
        if action == "run":
            assert rest[0] == "--rm"
            return self.stack.run(*rest[1:])
        if action == "logs":
            return "".join(self.outcome.printed.get(name) or self.stack.log(name) for name in names)
        assert action == "stop", line
        self.stack.stop(*names)
        return ""
