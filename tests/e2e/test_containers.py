"""docker-compose.yml in containers, where there is an engine; test_compose.py needs none."""

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest
from testcontainers.compose import DockerCompose

from ontem.stack.server import free_port
from tests.containers.compose_file import PROJECT
from tests.e2e.running import Client

pytestmark = pytest.mark.skipif(
    os.environ.get("ONTEM_TEST_CONTAINERS") != "1",
    reason="ONTEM_TEST_CONTAINERS=1 starts containers; the rehearsal ran without",
)
ORDER = json.loads((PROJECT / "docs" / "order.json").read_bytes())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a stack of its own, whose volumes are nobody else's."""
    with pytest.MonkeyPatch.context() as patch:
        port = free_port()
        patch.setenv("COMPOSE_PROJECT_NAME", f"ontem-test-{port}")
        patch.setenv("ONTEM_PORT", str(port))
        stack = DockerCompose(PROJECT, build=True, wait=False)
        try:
            stack.start()
            yield port
        finally:
            stack.stop()


def compose(*words: str) -> str:
    done = subprocess.run(
        ["docker", "compose", *words], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_up_and_up_again_score_orders_and_print_the_key_once(port: int):
    key = compose("logs", "--no-log-prefix", "merchant").splitlines()[-1]

    first = Client(port, key).evaluate({**ORDER, "order_id": "first"})
    compose("up", "-d")
    second = Client(port, key).evaluate({**ORDER, "order_id": "second"})

    assert (first.status, second.status) == (200, 200)
    assert 0 <= first.body["score"] <= 1
    assert not first.body["degraded"]
    assert re.findall(r"ontem_[0-9a-f]+_[0-9a-f]+", compose("logs")) == [key]
    assert "no made-up ones are imported" in compose("logs", "history")


def test_jobs_run_on_volumes_that_last(port: int):
    assert " is published" in compose("run", "--rm", "jobs", "night")
    assert "shop" in compose("run", "--rm", "jobs", "merchant", "list")
    trained = compose(
        "run", "--rm", "jobs", "train", "--training-set", "1",
        "--output", "/var/lib/ontem/model/second",
    )  # fmt: skip
    assert "model " in trained
