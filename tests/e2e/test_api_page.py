"""The curl commands of docs/api.md and docs/explaining.md against the running service."""

import json
import re
import subprocess

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.running import PROJECT, RunningService

PAGES = ("api.md", "explaining.md")
"""In the order in which their commands are run."""


def examples() -> list[tuple[str, str]]:
    """Each command with the answer that the page shows."""
    found = []
    text = "".join((PROJECT / "docs" / name).read_text(encoding="utf-8") for name in PAGES)
    for block in re.findall(r"^```console\n\$ (.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if block.startswith("curl "):
            command, answer = re.fullmatch(r"(.*?)\n(\{.*\})\n", block, re.DOTALL).groups()
            found.append((command, answer))
    return found


def is_as_shown(shown: str, answer: str) -> bool:
    """Whether the answer is what the page shows, in which `…` stands for anything."""
    pattern = re.escape(re.sub(r"\n\s*", "", shown)).replace("…", ".*")
    return re.fullmatch(pattern, answer) is not None


@pytest.mark.parametrize("option", ["-d", "-G"])
def test_the_page_has_examples_of_both_kinds(option: str):
    assert any(f" {option} " in command for command, _ in examples())


def test_the_examples_of_the_page_answer_as_it_shows(shop: Shop, service: RunningService):
    environ = {"KEY": shop.client.key, "PATH": "/usr/bin:/bin", "EVALUATION_ID": ""}
    paths = set()
    for command, shown in examples():
        paths.add(re.search(r"localhost:8080(/[a-z/]*)", command)[1])  # type: ignore[index]
        printed = subprocess.run(
            ["bash", "-c", command.replace("localhost:8080", f"127.0.0.1:{service.port}")],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

        assert is_as_shown(shown, printed), f"{command}\n{printed}"
        answer = json.loads(printed)
        environ["EVALUATION_ID"] = answer.get("evaluation_id") or environ["EVALUATION_ID"]

    assert paths == {"/evaluate", "/evaluations", "/evaluations/", "/orders/batch", "/chargebacks"}
