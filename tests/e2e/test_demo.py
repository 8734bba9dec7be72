"""`ontem demo run` from orders to its report, in a project folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ontem.stack import LocalStack
from tests.servers import FOLDER

PROJECT = Path(__file__).resolve().parents[2]
ARGUMENTS = ("--orders", "2500", "--days", "100", "--label-maturity-days", "15", "--seed", "3")


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """An empty project folder that has the connector, and a stack that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    (folder / ".ontem").mkdir()
    (folder / ".ontem" / "jars").symlink_to(PROJECT / ".ontem" / "jars")
    try:
        yield folder
    finally:
        LocalStack(folder).remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def report(project: Path) -> dict[str, Any]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONTEM_")}
    done = subprocess.run(
        [sys.executable, "-m", "ontem", "demo", "run", *ARGUMENTS],
        cwd=project, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((project / ".ontem/demo/report.json").read_text())
    return found


def test_training_repeats_what_was_served_in_every_value(report: dict[str, Any]) -> None:
    assert report["orders_live"] > 10
    assert report["feature_values_compared"] == report["orders_live"] * report["features"]
    assert report["feature_values_different"] == 0
    assert report["degraded"] == 0


def test_the_report_has_what_it_promises(report: dict[str, Any]) -> None:
    assert report["orders"] == 2500
    assert report["evaluate_p50_ms"] <= report["evaluate_p99_ms"]
    assert 0 <= report["roc_auc"] <= 1
    assert 0 <= report["roc_auc_without_velocity"] <= 1
    assert len(report["riskiest_order"]["explanation"]) == 10
    assert "import" in " ".join(report["stages"])


def test_a_night_ran_for_every_day_that_the_live_requests_reached(report: dict[str, Any]) -> None:
    assert report["snapshots"] == sorted(report["snapshots"])
    assert len(report["snapshots"]) >= 3


def test_the_checkout_is_not_touched(report: dict[str, Any], project: Path) -> None:
    assert sorted(path.name for path in project.iterdir()) == [".ontem"]
