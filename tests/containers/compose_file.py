"""docker-compose.yml as `docker compose` reads it, on a machine that sets no variable."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")
COMPLETED, HEALTHY = "service_completed_successfully", "service_healthy"


@dataclass(frozen=True)
class Mount:
    """A named volume, or a path of this folder, and where a container has it."""

    source: str
    target: str
    is_read_only: bool
    is_anonymous: bool = False
    """Whether it is a volume of this service's container alone, which goes with it."""

    @property
    def is_volume(self) -> bool:
        return not self.source.startswith((".", "/"))


@dataclass(frozen=True)
class Service:
    """One service of the file, with every variable in its place."""

    name: str
    fields: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        return list(self.fields.get("command", []))

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.fields.get("environment", {}))

    @property
    def target(self) -> str:
        """The target of the Dockerfile that its image is made of; empty for another's image."""
        return str(self.fields.get("build", {}).get("target", ""))

    @property
    def user(self) -> str:
        """The user and the group; empty for those of the image."""
        return str(self.fields.get("user", ""))

    @property
    def mounts(self) -> list[Mount]:
        return [self._mount(*each.split(":")) for each in self.fields.get("volumes", [])]

    def _mount(self, source: str, target: str = "", *mode: str) -> Mount:
        if not target:
            return Mount(f"{self.name}{source.replace('/', '-')}", source, False, True)
        return Mount(source, target, "ro" in mode)

    @property
    def waits_for(self) -> dict[str, str]:
        """The services it depends on, each with the condition."""
        return {name: each["condition"] for name, each in self.fields.get("depends_on", {}).items()}

    @property
    def runs_on(self) -> bool:
        """Whether it is a server, and not a step that ends."""
        return "restart" in self.fields

    @property
    def healthcheck(self) -> list[str]:
        """The command of its health check; empty when it has none."""
        kind, *words = self.fields.get("healthcheck", {}).get("test", ["NONE"])
        return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else list(words)

    @property
    def published_ports(self) -> list[str]:
        return list(self.fields.get("ports", []))


class ComposeFile:
    """All services of a file."""

    def __init__(self, path: Path, variables: Mapping[str, str] | None = None) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.content = _resolved(yaml.safe_load(self.text), variables or {})
        self.services = {
            name: Service(name, fields) for name, fields in self.content["services"].items()
        }

    @cached_property
    def ports(self) -> dict[str, int]:
        """The port on which each server listens, by the name under which others find it."""
        named = [(each.command, each.environment) for each in self.services.values()]
        found = re.findall(rf"\b({'|'.join(self.services)}):([0-9]+)\b", str(named))
        published = [
            (service.name, port.rpartition(":")[2])
            for service in self.services.values()
            for port in service.published_ports
        ]
        return {name: int(port) for name, port in (*found, *published)}

    def in_order(self, names: Iterable[str] | None = None) -> list[Service]:
        """The services of these names, or all without a profile, after those they wait for."""
        if names is None:
            names = [name for name, each in self.services.items() if "profiles" not in each.fields]
        return [self.services[name] for name in dict.fromkeys(self._with_needs(names))]

    def _with_needs(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            yield from self._with_needs(self.services[name].waits_for)
            yield name


def _resolved(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with its variables replaced in all texts."""
    if isinstance(value, dict):
        return {name: _resolved(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        default = found["default"]
        assert default is not None, f"{found[0]} has no default: `up` would want it set"
        return variables.get(found["name"]) or default

    return VARIABLE.sub(replacement, value)
