"""A `docker` that writes down what it is asked to do; it takes the words of deploy/push-images.

Run as a program. RECORD names the file for what it does; DOCKER_REFUSES=login or push plays a
registry that refuses.
"""

import argparse
import json
import os
import sys
from pathlib import Path


def words() -> argparse.Namespace:
    """The command line; anything else ends the program with an error."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    login = commands.add_parser("login")
    login.add_argument("--username", required=True)
    login.add_argument("--password-stdin", action="store_true", required=True)
    login.add_argument("host")
    inspect = commands.add_parser("manifest")
    inspect.add_argument("action", choices=["inspect"])
    inspect.add_argument("image")
    build = commands.add_parser("build")
    build.add_argument("--file", required=True)
    build.add_argument("--target", required=True)
    build.add_argument("--build-arg", required=True)
    build.add_argument("--tag", required=True)
    build.add_argument("folder")
    commands.add_parser("push").add_argument("image")
    return parser.parse_args()


def main() -> int:
    """Do one command; its exit code."""
    said, record = words(), Path(os.environ["RECORD"])
    before = (
        [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    )
    refused = os.environ.get("DOCKER_REFUSES") == said.command
    line = vars(said) | {"refused": refused}
    if said.command == "login":
        line["password"] = sys.stdin.read().strip()
    if said.command == "build":
        stages = Path(said.folder, said.file).read_text()
        assert f" AS {said.target}\n" in stages, said.target
        assert list(Path(said.folder).glob("dist/ontem-*.whl"))
    with record.open("a") as file:
        file.write(json.dumps(line) + "\n")
    if said.command == "manifest":
        pushed = [each["image"] for each in before if each["command"] == "push"]
        return 0 if said.image in pushed else 1
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
