"""A `kubectl` that writes down what it is asked to do; it takes the words of deploy/roll-out alone.

Run as a program. RECORD names the file for what it does, and KUBECTL_MIGRATION the exit
code of the migration that it plays; KUBECTL_PODS=away plays new pods that do not get ready.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]


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
    get.add_argument("kind", choices=["pods"])
    get.add_argument("--selector", required=True)
    get.add_argument("--output", required=True)
    rollout = commands.add_parser("rollout")
    rollout.add_argument("action", choices=["status"])
    rollout.add_argument("name")
    rollout.add_argument("--timeout", required=True)
    return parser.parse_args()


def main() -> int:
    """Do one command; its exit code."""
    said, migration = words(), int(os.environ.get("KUBECTL_MIGRATION", "0"))
    if said.command == "kustomize":
        sys.path.insert(0, str(PROJECT))
        from tests.delivery.kustomize import render

        print(yaml.safe_dump_all(render(said.folder)))  # noqa: T201
        return 0
    assert said.namespace
    applied = []
    if said.command == "apply":
        manifests = yaml.safe_load_all(said.filename.read_text())
        applied = [each for each in manifests if chosen(each, said.selector)]
    line = {**vars(said), "filename": None, "applied": applied}
    with Path(os.environ["RECORD"]).open("a") as record:
        record.write(json.dumps(line) + "\n")
    if said.command == "wait":
        return 0 if said.condition == f"condition={'failed' if migration else 'complete'}" else 1
    if said.command == "get":
        print(migration)  # noqa: T201
    if said.command == "rollout":
        return 1 if os.environ.get("KUBECTL_PODS") == "away" else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
