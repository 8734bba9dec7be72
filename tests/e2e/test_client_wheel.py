"""What a merchant installs: the client's wheel and msgspec, without anything of the service."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ontem.delivery.client_wheel import client_wheel_of
from ontem.delivery.errors import WheelRefused
from ontem.delivery.wheel import Wheel
from ontem.version import Version, version_of_checkout
from tests.e2e.clean_environment import run, tools
from tests.e2e.conftest import Shop
from tests.e2e.running import RunningService
from tests.package_files import PROJECT
from tests.wheelhouse import make_wheelhouse

PROGRAM = """
import sys
from ontem_client import Client, Order
with Client(sys.argv[1], sys.argv[2], deadline=60) as client:
    print(client.evaluate(Order(order_id="1", amount_cents=1)).decision)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT / "ontem_client", check=True, capture_output=True)
    (wheel,) = folder.iterdir()
    return wheel


def the_wheel_beside(client: Path) -> Wheel:
    """As far as the client's wheel asks for it."""
    number = version_of_checkout().number
    nothing: Any = None
    return Wheel(client.with_name("ontem.whl"), "", Version(number, ""), (), nothing)


def test_the_wheel_and_msgspec_are_enough_to_ask_for_a_decision(
    built: Path, shop: Shop, service: RunningService, tmp_path: Path
):
    make_wheelhouse(tmp_path / "wheels", ["msgspec"])
    uv, python = tools() / "uv", tmp_path / "environment" / "bin" / "python"
    run(uv, "venv", "-q", "--python", sys.executable, tmp_path / "environment")
    options = ("--no-index", "--no-cache", "--find-links", tmp_path / "wheels")
    run(uv, "pip", "install", "-q", "--python", python, *options, built)
    listed = json.loads(run(uv, "pip", "list", "-q", "--format=json", "--python", python))
    url = f"http://127.0.0.1:{service.port}"
    done = subprocess.run(
        [python, "-c", PROGRAM, url, shop.client.key],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert {each["name"] for each in listed} == {"msgspec", "ontem-client"}
    assert (done.stdout, done.returncode) == ("block\n", 0), done.stderr


def test_it_has_the_client_with_its_types_and_nothing_else_of_ours(built: Path):
    files = client_wheel_of(the_wheel_beside(built)).files

    own = {f"ontem_client/{file.name}" for file in (PROJECT / "ontem_client").glob("*.py")}
    assert {name for name in files if "dist-info" not in name} == own | {"ontem_client/py.typed"}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("another", "it has features_pkg/models/shipped/current, which merchants must not get"),
        ("torn", r"can't be read \(.*\): run `make package`"),
        ("none", r"can't be read \(.*\): run `make package`"),
        ("empty", "it has no ontem_client/client.py"),
    ],
)
def test_a_wheel_that_is_not_the_client_alone_is_not_published(
    built: Path, tmp_path: Path, damage: str, reason: str
):
    there = tmp_path / built.name
    if damage == "torn":
        there.write_bytes(built.read_bytes()[:500])
    elif damage == "empty":
        zipfile.ZipFile(there, "w").close()
    elif damage == "another":
        there.write_bytes(built.read_bytes())
        with zipfile.ZipFile(there, "a") as archive:
            archive.writestr("features_pkg/models/shipped/current", "a-model")

    with pytest.raises(WheelRefused, match=reason):
        client_wheel_of(the_wheel_beside(there))
