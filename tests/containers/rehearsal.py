"""docker-compose.yml without containers: each of its commands as a plain process, in its order.

A process has the command, the environment and the user that the file gives it. Its folders are
below one temporary folder: what the file mounts, and the working folder of its image, which it may
not write. `postgres:5432` and the like become addresses of this machine; nothing else is changed.
"""

import json
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ontem.stack.server import free_port
from tests.containers import paths, postgres_image
from tests.containers.compose_file import COMPLETED, HEALTHY, PROJECT, ComposeFile, Service
from tests.image_files import last
from tests.servers import SHORT_JAVA

POLL_SECONDS = 0.1
START_SECONDS = 120


@dataclass
class StepFailed(Exception):
    """A step ended with an error, so that nothing that waits for it is started."""

    service: str
    exit_code: int
    output: str


@dataclass
class Outcome:
    """What `up` did: what each step printed, and which servers it started, in their order."""

    printed: dict[str, str] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)


class Rehearsal:
    """One stack; `volumes` is a folder that lasts, as volumes do."""

    def __init__(self, file: ComposeFile) -> None:
        self.file = file
        self.folder = Path(tempfile.mkdtemp(prefix="ontem-compose-"))
        self.folder.chmod(0o755)
        self.checkout = self.folder / "checkout"
        self.checkout.mkdir()
        self._ports = {name: free_port() for name in file.ports}
        self._path = paths.programs(self.folder / "programs")
        for name in {each.target for each in file.services.values()} - {""}:
            paths.lay_out_image(name, self.folder / "images" / name)
        self._make_volumes()
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def up(self) -> Outcome:
        """As `docker compose up -d`. Raises StepFailed."""
        return self._start(self.file.in_order())

    def run(self, service: str, *words: str) -> str:
        """As `docker compose run --rm`: what the command printed. Raises StepFailed."""
        *needs, last = self.file.in_order([service])
        self._start(needs)
        return self._run(last, words)

    def is_up(self, service: str) -> bool:
        return service in self._servers and self._servers[service].poll() is None

    def port(self, service: str) -> int:
        """The port of this machine at which a server of the file listens."""
        return self._ports[service]

    def volume(self, name: str) -> Path:
        return self.folder / "volumes" / name

    def log(self, service: str) -> str:
        return self._log(service).read_text(encoding="utf-8", errors="replace")

    def stop(self, *names: str) -> None:
        """As `docker compose stop`; all servers when none is named."""
        for name in names or tuple(reversed(self._servers)):
            process = self._servers.pop(name)
            fast = signal.SIGINT if name == "postgres" else signal.SIGTERM
            process.send_signal(fast)
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def remove(self) -> None:
        """As `docker compose down --volumes`."""
        self.stop()
        paths.remove(self.folder)

    def _start(self, services: Sequence[Service]) -> Outcome:
        outcome = Outcome()
        for service in services:
            for name, condition in service.waits_for.items():
                self._check(self.file.services[name], condition, outcome)
            if not service.runs_on:
                outcome.printed[service.name] = self._run(service, service.command)
            elif service.name not in self._servers:
                self._serve(service)
                outcome.started.append(service.name)
            if service.healthcheck:
                self._wait_until_healthy(service)
        return outcome

    def _check(self, service: Service, condition: str, outcome: Outcome) -> None:
        """Fail where a service would never start, because what it waits for never comes about."""
        if condition == COMPLETED:
            assert service.name in outcome.printed, f"{service.name} did not complete"
        else:
            assert condition == HEALTHY
            assert service.healthcheck, f"{service.name} has no health check"

    def _run(self, service: Service, words: Sequence[str]) -> str:
        done = subprocess.run(
            self._command(service, words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, **self._process_options(service),
        )  # fmt: skip
        printed = done.stdout.decode(errors="replace")
        if done.returncode:
            raise StepFailed(service.name, done.returncode, printed)
        return printed

    def _serve(self, service: Service) -> None:
        options = self._process_options(service)
        words = self._command(service, service.command)
        if service.name == "postgres":
            scripts = [
                self._mounted(mount.source)
                for mount in service.mounts
                if mount.target.startswith("/docker-entrypoint-initdb.d/")
            ]
            words = postgres_image.start(words, options, self.port("postgres"), scripts)
        elif service.name == "redis":
            words += ["--bind", "127.0.0.1"]
        with self._log(service.name).open("ab") as log:
            self._servers[service.name] = subprocess.Popen(
                words, stdout=log, stderr=subprocess.STDOUT, **options
            )

    def _wait_until_healthy(self, service: Service) -> None:
        pause = threading.Event()
        for _ in range(round(START_SECONDS / POLL_SECONDS)):
            done = subprocess.run(
                self._with_user(service, service.healthcheck), check=False, capture_output=True,
                **self._process_options(service),
            )  # fmt: skip
            if done.returncode == 0:
                return
            ended = self._servers[service.name].poll()
            if ended is not None:
                raise StepFailed(service.name, ended, self.log(service.name))
            pause.wait(POLL_SECONDS)
        raise StepFailed(
            service.name, 0, f"never healthy: {done.stderr!r} {self.log(service.name)}"
        )

    def _command(self, service: Service, words: Sequence[str]) -> list[str]:
        entry_point = json.loads(last(service.target, "ENTRYPOINT")) if service.target else []
        return self._with_user(service, [*entry_point, *words])

    def _with_user(self, service: Service, words: Sequence[str]) -> list[str]:
        return [*paths.identity_of(service.user).words, *self._in_place(service, words)]

    def _process_options(self, service: Service) -> dict[str, Any]:
        """The environment, the user and the working folder of a service's processes."""
        identity = paths.identity_of(service.user)
        environment = {
            name: self._in_place(service, [value])[0] for name, value in service.environment.items()
        }
        # The one thing that the file does not say: Java compiles less where it runs for seconds.
        image = {
            **SHORT_JAVA,
            "PATH": self._path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(PROJECT),
        }
        return {
            "env": {**image, **environment},
            "cwd": self._working_folder(service),
            "stdin": subprocess.DEVNULL,
            **paths.options_of(identity),
        }

    def _working_folder(self, service: Service) -> Path:
        if service.target:
            folder = last(service.target, "WORKDIR")
            return self.folder / "images" / service.target / folder.lstrip("/")
        volumes = [mount.source for mount in service.mounts if mount.is_volume]
        return self.volume(volumes[0]) if volumes else self.folder

    def _in_place(self, service: Service, words: Sequence[str]) -> list[str]:
        """The words with each path and each address of containers as it is on this machine."""
        found: dict[str, str] = {"0.0.0.0": "127.0.0.1"}  # noqa: S104  it is what is replaced
        for mount in service.mounts:
            found[mount.target] = str(self._mounted(mount.source))
        if service.target == "s3":
            found["/opt/s3proxy"] = str(self._working_folder(service))
        for name, port in self.file.ports.items():
            found[f"{name}:{port}"] = f"127.0.0.1:{self._ports[name]}"
            if name == service.name:
                found[str(port)] = str(self._ports[name])
        longest_first = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
        pattern = re.compile(rf"(?<![\w.]){'(' + longest_first + ')'}(?!\w)")
        return [pattern.sub(lambda match: found[match[0]], word) for word in words]

    def _make_volumes(self) -> None:
        """An empty folder for each volume, of the user who writes there."""
        for service in self.file.services.values():
            for mount in service.mounts:
                if mount.is_volume and not mount.is_read_only:
                    self.volume(mount.source).mkdir(parents=True, exist_ok=True)
                    paths.identity_of(service.user).account.own(self.volume(mount.source))

    def _mounted(self, source: str) -> Path:
        """What stands for a volume, for a file, or for the folder of docker-compose.yml."""
        if not source.startswith("."):
            return self.volume(source)
        if source == "./":
            return self.checkout
        copy = self.folder / "mounts" / source.lstrip("./")
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / source, copy)
            copy.chmod(copy.stat().st_mode | 0o444)
        return copy

    def _log(self, service: str) -> Path:
        return self.folder / f"{service}.log"
