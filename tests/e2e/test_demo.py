"""`ontem demo run` from orders to its report, in a project folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ontem.stack import LocalStack
from tests.e2e.notebook_shape import Cell, code_cells, form_of, text_of
from tests.servers import FOLDER

PROJECT = Path(__file__).resolve().parents[2]
ARGUMENTS = (
    "--orders", "2500", "--days", "100", "--label-maturity-days", "15", "--seed", "130",
    "--end", "2026-06-15T18:00:00Z",
)  # fmt: skip
"""The same orders whenever the test runs; of those that are sent live many share one device."""
NOTEBOOK = PROJECT / "docs" / "notebooks" / "shared-devices.ipynb"
TAKES_MINUTES = "minutes"
"""The tag of the cell that runs the checks of CI, which the tests of the lab run, too."""


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """An empty project folder that has the connector, and a stack that goes with it.

    Its path has what a home may have: blanks, accents, and signs that mean something in a URL.
    """
    above = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    folder = above / "João [1]" / "Área de Trabalho 50% #1"
    (folder / ".ontem").mkdir(parents=True)
    (folder / ".ontem" / "jars").symlink_to((PROJECT / ".ontem" / "jars").resolve())
    try:
        yield folder
    finally:
        LocalStack(folder).remove()
        shutil.rmtree(above, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What a demo printed, and its report."""

    printed: str
    report: dict[str, Any]


@pytest.fixture(scope="module")
def run(project: Path) -> DemoRun:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONTEM_")}
    environ |= {"ONTEM_DEADLINE_MS": "30000", "ONTEM_STATEMENT_TIMEOUT_MS": "30000"}
    done = subprocess.run(
        [sys.executable, "-m", "ontem", "demo", "run", *ARGUMENTS],
        cwd=project, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return DemoRun(done.stdout, json.loads((project / ".ontem/demo/report.json").read_text()))


@pytest.fixture(scope="module")
def report(run: DemoRun) -> dict[str, Any]:
    return run.report


@pytest.mark.slow
def test_the_demo_ends_by_naming_the_page_of_its_model(run: DemoRun, project: Path) -> None:
    named = run.printed.splitlines()[-1].rpartition(": ")[2]

    page = (project / named).read_text(encoding="utf-8")
    assert run.report["model"] in page


@pytest.fixture(scope="module")
def notebook(report: dict[str, Any], project: Path) -> list[Cell]:
    """The code cells of the notebook, with what they give on the stack of this demo."""
    demo = project / ".ontem" / "demo"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ONTEM_")}
    environ |= {"ONTEM_ENV_FILE": str(demo / "env"), "PYTHONPATH": str(PROJECT)}
    words = (str(NOTEBOOK), str(demo / "executed.ipynb"), TAKES_MINUTES)
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.notebooks", *words],
        cwd=PROJECT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return code_cells(demo / "executed.ipynb", without=TAKES_MINUTES)


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


def test_nothing_is_written_outside_of_the_project(report: dict[str, Any], project: Path) -> None:
    assert sorted(path.name for path in project.iterdir()) == [".ontem"]
    assert [path.name for path in project.parent.iterdir()] == [project.name]
    assert [path.name for path in project.parents[1].iterdir()] == [project.parent.name]


def test_the_orders_with_their_buyers_are_closed_to_others(
    report: dict[str, Any], project: Path
) -> None:
    demo = project / ".ontem" / "demo"
    assert (demo / "history.parquet").exists()
    assert stat.S_IMODE(demo.stat().st_mode) == 0o700


def test_spark_says_nothing_when_nothing_is_wrong(report: dict[str, Any], project: Path) -> None:
    for log in (project / ".ontem" / "demo" / "logs").glob("night-*.log"):
        for sign in ("WARN", "Setting default log level", "setLogLevel"):
            assert sign not in log.read_text(encoding="utf-8")


def test_each_output_of_the_notebook_has_the_form_of_the_one_that_is_stored(
    notebook: list[Cell],
) -> None:
    stored = code_cells(NOTEBOOK, without=TAKES_MINUTES)
    for cell, executed in zip(stored, notebook, strict=True):
        assert form_of(executed) == form_of(cell), "".join(cell["source"])


def test_the_features_of_the_notebook_are_served_as_they_are_trained(notebook: list[Cell]) -> None:
    *_, side_by_side, all_values = notebook
    trained, served = zip(
        *(map(int, line.split()[1:]) for line in lines_of(side_by_side)), strict=True
    )
    assert trained == served
    assert max(trained) > 10
    found = re.fullmatch(r"([\d,]+) values compared, 0 differ\n", text_of(all_values))
    assert found
    assert int(found[1].replace(",", "")) > 2_000


def lines_of(table: Cell) -> list[str]:
    """The rows of a data frame without its head."""
    return text_of(table).splitlines()[2:]
