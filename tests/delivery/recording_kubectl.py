"""A `kubectl` that writes down what it is asked to do; it takes the words of deploy/roll-out alone.

Run as a program. RECORD names the file for what it does, beside which it keeps what is in its
cluster, and KUBECTL_MIGRATION the exit code of the migration that it plays, or the phase in which
its pod is for the first TURNS times that somebody waits for it, or `tries` for one more pod each
time that has failed; KUBECTL_PODS=away plays new pods that do not get ready, KUBECTL_AWAY a kind
that can't be asked for. KUBECTL_MEANWHILE is run by a shell while a migration is waited for.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
IMAGE = "jsonpath={.spec.template.spec.containers[0].image}"
JOBS = (
    "jsonpath={range .items[*]}{.metadata.name}="
    '{.status.conditions[?(@.type=="Failed")].status}{" "}{end}'
)
PHASES = "jsonpath={.items[*].status.phase}"
CODE = "jsonpath={.items[-1:].status.containerStatuses[0].state.terminated.exitCode}"


def chosen(manifest: dict[str, Any], selector: str) -> bool:
    """Whether a set-based selector of one label chooses it."""
    found = re.fullmatch(r"(\S+) (in|notin) \(([^)]*)\)", selector)
    assert found, selector
    values = [value.strip() for value in found[3].split(",")]
    return (manifest["metadata"]["labels"].get(found[1]) in values) == (found[2] == "in")


def words() -> argparse.Namespace:
    """The command line; anything else ends the program with an error."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--namespace")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("kustomize").add_argument("folder", type=Path)
    delete = commands.add_parser("delete")
    delete.add_argument("kind", choices=["job"])
    delete.add_argument("name")
    delete.add_argument("--ignore-not-found", action="store_true", required=True)
    apply = commands.add_parser("apply")
    apply.add_argument("--filename", type=Path, required=True)
    apply.add_argument("--selector", required=True)
    wait = commands.add_parser("wait")
    wait.add_argument("--for", dest="condition", required=True)
    wait.add_argument("name")
    wait.add_argument("--timeout", required=True)
    logs = commands.add_parser("logs")
    logs.add_argument("name", nargs="?")
    logs.add_argument("--selector")
    logs.add_argument("--tail", type=int, required=True)
    logs.add_argument("--prefix", action="store_true")
    get = commands.add_parser("get")
    get.add_argument("kind", choices=["pods", "jobs", "deployment", "events"])
    get.add_argument("name", nargs="?")
    get.add_argument("--selector")
    get.add_argument("--ignore-not-found", action="store_true")
    get.add_argument("--sort-by", choices=[".metadata.creationTimestamp"])
    get.add_argument("--field-selector", choices=["type=Warning"])
    get.add_argument("--output", choices=[IMAGE, JOBS, CODE, PHASES])
    describe = commands.add_parser("describe")
    describe.add_argument("kind", choices=["pods"])
    describe.add_argument("--selector", required=True)
    rollout = commands.add_parser("rollout")
    rollout.add_argument("action", choices=["status"])
    rollout.add_argument("name")
    rollout.add_argument("--timeout", required=True)
    return parser.parse_args()


def answer(said: argparse.Namespace, cluster: dict[str, Any]) -> str:
    """What `get` prints of the cluster."""
    if said.output is None:
        assert (said.kind, said.field_selector) == ("events", "type=Warning")
        return 'Warning  Failed  pod/service-1  Error: secret "ontem-service" not found\n'
    if said.output in {CODE, PHASES}:
        assert (said.kind, said.name) == ("pods", None)
        # By name, which ends in a random word, the last pod is any of them.
        assert said.output == PHASES or said.sort_by == ".metadata.creationTimestamp"
        migration = os.environ.get("KUBECTL_MIGRATION", "0")
        return " ".join(["Failed"] * waits()) if migration == "tries" else migration
    if said.output == IMAGE:
        assert (said.kind, said.name, said.ignore_not_found) == ("deployment", "service", True)
        found = cluster.get("Deployment/service")
        return found["spec"]["template"]["spec"]["containers"][0]["image"] if found else ""
    assert said.selector == "app.kubernetes.io/component=migration"
    jobs = [each for each in cluster.values() if each["kind"] == "Job"]
    return "".join(f"{each['metadata']['name']}={each.get('failed', '')} " for each in jobs)


def waits() -> int:
    """How often the migration was waited for."""
    return Path(os.environ["RECORD"]).read_text().count("condition=complete")


def wait(said: argparse.Namespace, cluster: dict[str, Any]) -> int:
    """The exit code of `wait`; the Job ends meanwhile."""
    if meanwhile := os.environ.get("KUBECTL_MEANWHILE"):
        environ = {**os.environ, "KUBECTL_MEANWHILE": ""}
        subprocess.run(meanwhile, shell=True, env=environ, check=True)  # noqa: S602
    migration = os.environ.get("KUBECTL_MIGRATION", "0")
    if not migration.isdigit():
        return int(said.condition != "condition=complete" or waits() <= int(os.environ["TURNS"]))
    has_failed = migration != "0"
    if has_failed:
        cluster[said.name.replace("job/", "Job/")]["failed"] = "True"
    return 0 if said.condition == f"condition={'failed' if has_failed else 'complete'}" else 1


def main() -> int:
    """Do one command; its exit code."""
    said = words()
    if said.command == "kustomize":
        sys.path.insert(0, str(PROJECT))
        import yaml  # as late as that: most commands are quick without

        from tests.delivery.kustomize import render

        print(yaml.safe_dump_all(render(said.folder)))  # noqa: T201
        return 0
    assert said.namespace
    record = Path(os.environ["RECORD"])
    file = record.with_name(f"{record.name}.cluster")
    cluster = json.loads(file.read_text()) if file.exists() else {}
    applied = []
    if said.command == "apply":
        import yaml

        manifests = yaml.safe_load_all(said.filename.read_text())
        applied = [each for each in manifests if chosen(each, said.selector)]
        cluster |= {f"{each['kind']}/{each['metadata']['name']}": each for each in applied}
    line = {**vars(said), "filename": None, "applied": applied}
    with record.open("a") as lines:
        lines.write(json.dumps(line) + "\n")
    if said.command == "get" and said.kind == os.environ.get("KUBECTL_AWAY"):
        print("the server could not be reached", file=sys.stderr)  # noqa: T201
        return 1
    if said.command == "get":
        print(answer(said, cluster), end="")  # noqa: T201
        return 0
    if said.command == "delete":
        cluster.pop(f"Job/{said.name}", None)
    code = wait(said, cluster) if said.command == "wait" else 0
    if said.command == "rollout" and os.environ.get("KUBECTL_PODS") == "away":
        code = 1
    if said.command in {"apply", "delete"} or (said.command == "wait" and _has_failed(cluster)):
        file.write_text(json.dumps(cluster))
    return code


def _has_failed(cluster: dict[str, Any]) -> bool:
    return any(each.get("failed") for each in cluster.values())


if __name__ == "__main__":
    sys.exit(main())
